/** A module as a file, under this library's names or another's. */

import { checkPath } from '../checkpoint/atomic_file.js'
import { companionsMetadata } from '../checkpoint/naming/companions.js'
import { writeConfigBeside } from '../checkpoint/naming/config_file.js'
import { writeFlavaConfig } from '../checkpoint/naming/dalle.js'
import { NAMINGS, type Naming } from '../checkpoint/naming/identify.js'
import { PREPROCESSOR_FILE, writePreprocessorConfig } from '../checkpoint/naming/preprocessor_config.js'
import { shapesOf, tensorsAfter } from '../checkpoint/naming/recipe.js'
import { toNaming, transformersClass } from '../checkpoint/naming/to_naming.js'
import { writeTransformersConfig } from '../checkpoint/naming/transformers_config.js'
import { writeWeights } from '../checkpoint/naming/write_weights.js'
import type { CheckpointFormat } from '../checkpoint/write_checkpoint.js'
import { imagePreprocessing } from '../data/preprocessing.js'
import { scope } from '../dispose.js'
import { invalidArgument } from '../errors.js'
import type { ModuleKind } from '../native.js'
import { checkNames } from '../options.js'
import type { Tensor } from '../tensor.js'
import type { BeitConfig } from './beit_config.js'
import type { Module } from './module.js'

/** Options of every `save`. */
export interface SaveOptions {
  /** Default: by the extension, .safetensors, or .pth, .pt and .bin. */
  format?: CheckpointFormat
  /** Whose names the tensors get: 'unilm' (default: the original's, this library's own), 'timm' or 'transformers'. */
  naming?: Naming
}

/**
 * Writes weights and configuration: see {@link Module.save}.
 * @throws BeitError ERR_INVALID_ARGUMENT for a naming that has no such model, ERR_IO
 */
export async function saveModule(
  module: Module,
  kind: ModuleKind,
  path: string,
  options: SaveOptions,
): Promise<void> {
  checkPath(path)
  checkNames('save', ['format', 'naming'], options)
  const { naming = 'unilm', format } = options
  if (!NAMINGS.includes(naming)) throw invalidArgument('naming', NAMINGS.join(', '), naming)
  await scope(async () => {
    const state = await module.stateDict()
    const tensors = await tensorsAfter(toNaming(naming, kind, [...state.keys()]), state)
    const config = JSON.stringify(module.config)
    const metadata = { kind, config, ...companionsMetadata(module.companions) }
    await writeWeights(path, tensors, { naming, format, metadata })
    if (naming === 'transformers') await writeTransformersFiles(path, module, kind, state)
  })
}

async function writeTransformersFiles(
  path: string,
  { config, dtype, companions }: Module,
  kind: ModuleKind,
  state: ReadonlyMap<string, Tensor>,
): Promise<void> {
  if (kind === 'dalle_dvae') return writeConfigBeside(path, writeFlavaConfig(shapesOf(state)))
  const beit = config as BeitConfig
  const text = writeTransformersConfig(beit, transformersClass(kind), dtype, state, companions)
  const { preprocessing } = companions
  await writeConfigBeside(path, text)
  if (preprocessing === null) return
  const complete = imagePreprocessing(preprocessing, beit.imageSize)
  await writeConfigBeside(path, writePreprocessorConfig(complete, beit.imageSize), PREPROCESSOR_FILE)
}
