/** Published recipes of fine-tuning, shipped as JSON files beside this one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../binding.js'
import { BeitError } from '../errors.js'
import { suggest } from '../options.js'

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
  /**
   * Options of `finetune()`, and `dropPath` of the model. A step has batchSize * accumulate images; split them
   * as memory allows.
   */
  readonly options: Readonly<Record<string, unknown>>
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
 * const { options } = await readRecipe('beit_base_pt22k_ft1k')
 * for await (const event of finetune({ ...options, batchSize: 32, accumulate: 32, model, data, output })) ...
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
