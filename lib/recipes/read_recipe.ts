/** Published recipes of fine-tuning, shipped as JSON files beside this one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { BeitError } from '../errors.js'
import { packageRoot } from '../installation.js'
import type { BeitConfig } from '../models/beit_config.js'
import { suggest } from '../options.js'
import type { FinetuneSettings } from '../train/finetune_options.js'

/** A recipe as its file has it. */
export interface Recipe {
  /** What it trains, on what. */
  readonly description: string
  /** Where each of its numbers was published. */
  readonly source: string
  /** What the source says that this library does otherwise, or leaves open. */
  readonly notes: readonly string[]
  /** The preset it is for. */
  readonly model: string
  /** Whether its numbers are for weights that were pre-trained, or for new ones. */
  readonly from: 'pretrained' | 'scratch'
  /** Parts of the configuration of the model, for `load` or `create`. */
  readonly config: Readonly<Pick<BeitConfig, 'dropPath'> & Partial<Pick<BeitConfig, 'pooling'>>>
  /** How its images are made, where that is not as the pre-trained weights or the defaults have it. */
  readonly preprocessing?: Readonly<Pick<ImagePreprocessing, 'mean' | 'std'>>
  /** Options of `finetune()`. A step has batchSize * accumulate images; split them as memory allows. */
  readonly options: Readonly<Partial<FinetuneSettings>>
}

/** Names that {@link readRecipe} takes: model, what it was pre-trained on (pt) and fine-tuned on (ft). */
export const recipeNames: readonly string[] = [
  'beit_base_pt22k_ft1k',
  'beit_large_pt22k_ft1k',
  'beit_base_pt22k_ft22k',
  'beit_large_pt22k_ft22k',
  'beit_base_pt22k_ft22kto1k',
  'beit_large_pt22k_ft22kto1k',
  'beit_base_paper_ft1k',
  'beit_large_paper_ft1k',
  'beit_base_paper_cifar100',
  'deit_base_scratch_1k',
]

/**
 * The recipe of this name.
 * @throws BeitError ERR_INVALID_ARGUMENT for another name, with the nearest
 * @example
 * const { config, options } = await readRecipe('beit_base_pt22k_ft1k')
 * const model = await BeitForImageClassification.load('beit.safetensors', { ...config, labels: training.classes })
 * const run = { batchSize: 32, accumulate: 32, model, data: training, output: 'runs/photos' }
 * for await (const event of finetune({ ...options, ...run })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss)
 * }
 */
export async function readRecipe(name: string): Promise<Recipe> {
  if (!recipeNames.includes(name)) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `there is no recipe '${name}'${suggest(String(name), recipeNames)}`,
    )
  }
  return JSON.parse(await readFile(join(packageRoot, 'lib', 'recipes', `${name}.json`), 'utf8'))
}
