/** From images to a file of their features: the one long call behind `beit features`. */
import type { FileHandle } from 'node:fs/promises'
import { native } from '../../binding.js'
import { streamFile } from '../../checkpoint/atomic_file.js'
import { batchesInOrder } from '../../data/batches.js'
import { preprocessedViews } from '../../data/preprocessed_views.js'
import type { ImagePreprocessing } from '../../data/preprocessing.js'
import { scope } from '../../dispose.js'
import { BeitError, invalidArgument } from '../../errors.js'
import { BeitForImageClassification } from '../../models/beit_for_image_classification.js'
import type { ExtractionSettings } from '../../native.js'
import { defined, validateOptions } from '../../options.js'
import { Tensor } from '../../tensor.js'
import { weightsFingerprint } from '../../train/weights_fingerprint.js'
import { frozenPreprocessing, usingThreads } from '../frozen_model.js'
import { type FeatureTable, featureFormatOf, featureWriter } from './feature_file.js'
import {
  type ExtractedFeatures,
  type FeatureOptions,
  type FeaturePooling,
  type FeatureSettings,
  featureSchema,
} from './feature_options.js'
import { featureTargets, targetsOf } from './feature_targets.js'

/**
 * Writes the features of every image of `data` into one file, in the order of the data; images that cannot be read
 * are left out. Nothing is held in memory but a batch, and for Parquet a row group; the file is there whole or
 * not at all.
 *
 * With `blocks`: the residual stream after each of them, as `model.features(pixels, { blocks })` gives it, pooled
 * over the tokens. 'head': what the head of a classifier sees, or the final norm of a model for masked image
 * modelling. Images are resized and cropped as for evaluation.
 *
 * A safetensors file has a tensor for each name (`block_0` for the first block, `head`) and `labels`: class ids, -1
 * for none, or weights (images, classes). In its metadata are `keys`, `classes`, `config`, `checkpoint` (a
 * fingerprint of the weights) and how the features were made. Parquet has the same as columns and key-value
 * metadata; lines of JSON have no metadata.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT for a wrong option, ERR_DATA when too many images are broken, ERR_IO when
 * the file cannot be written, ERR_NON_FINITE for features that are no numbers, or too large for float16
 * @throws the signal's reason when it is aborted
 * @example
 * const model = await BeitForMaskedImageModeling.load('beit.safetensors')
 * const data = await openImages('photos/')
 * await extractFeatures({ model, data, blocks: 'all', pooling: 'mean', output: 'features.safetensors' })
 */
export async function extractFeatures(options: FeatureOptions): Promise<ExtractedFeatures> {
  const settings = validateOptions<FeatureSettings>('extractFeatures', featureSchema, defined(options))
  settings.blocks ??= 'all'
  const { model, data, output, maxPixels, onProgress } = settings
  const preprocessing = frozenPreprocessing(settings)
  const extraction = extractionOf(settings, preprocessing)
  const format = settings.format ?? featureFormatOf(output)
  const began = performance.now()
  const table = await tableOf(settings, extraction, preprocessing)
  const views = preprocessedViews(model.config.imageSize, preprocessing, maxPixels)
  const stream = batchesInOrder(data, views, settings)
  let images = 0
  const write = async (file: FileHandle) => {
    const writer = featureWriter(format, file, table)
    for await (const batch of stream) {
      using held = batch
      await scope(async () => {
        const handle = await native().beitPooledFeatures(model.handle, held.pixels.handle, extraction)
        const features = await new Tensor(handle).to({ device: 'cpu', dtype: table.dtype })
        const keys = held.indices.map((index) => data.sample(index).key)
        await checkFinite(features, keys, table)
        await writer.append({ keys, targets: targetsOf(data, held.indices), features })
      })
      images += held.indices.length
      onProgress?.({ images, of: data.length })
    }
    await writer.finish()
  }
  await usingThreads(settings.threads, () => streamFile('output', output, write))
  const seconds = (performance.now() - began) / 1000
  const { names, shape, dtype } = table
  return { output, format, images, names, shape, dtype, broken: stream.broken, seconds }
}

/**
 * Looks at features (B, L, ...) of the images `keys` as they will be written.
 * @throws BeitError ERR_NON_FINITE
 */
async function checkFinite(features: Tensor, keys: readonly string[], { names, dtype }: FeatureTable) {
  const values = await features.toFloat32()
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  if (wrong < 0) return
  const layer = Math.floor(wrong / (values.length / keys.length / names.length))
  const key = keys[Math.floor(layer / names.length)]
  const tooLarge = dtype === 'float16' ? ", or they are too large for float16: take dtype 'float32'" : ''
  throw new BeitError(
    'ERR_NON_FINITE',
    `extractFeatures: the features ${names[layer % names.length]} of ${key} are not finite numbers: the weights of ` +
      `the model are broken${tooLarge}`,
  )
}

/** @throws BeitError ERR_INVALID_ARGUMENT */
function extractionOf(settings: FeatureSettings, { mean, std }: ImagePreprocessing): ExtractionSettings {
  const { model, blocks, precision } = settings
  const { depth } = model.config
  const how = { pooling: poolingOf(settings), precision, mean, std }
  if (blocks === 'head') return { blocks: null, ...how }
  const numbers = blocks === 'all' ? Array.from({ length: depth }, (_, block) => block) : blocks
  const valid = (block: unknown) =>
    Number.isInteger(block) && (block as number) >= 0 && (block as number) < depth
  if (numbers.length === 0 || !numbers.every(valid) || new Set(numbers).size < numbers.length) {
    throw invalidArgument(
      'blocks',
      `'all', 'head' or different block numbers from 0 to ${depth - 1}`,
      numbers,
    )
  }
  return { blocks: numbers, ...how }
}

/** A classifier's head has one pooling, that of its training. */
function poolingOf({ model, blocks, pooling }: FeatureSettings): FeaturePooling {
  if (blocks !== 'head' || !(model instanceof BeitForImageClassification)) return pooling ?? 'mean'
  const own = model.config.pooling
  if (pooling === null || pooling === own) return own
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `the head of this classifier sees ${own === 'mean' ? 'the mean of the patches' : 'the class token'}: its features ` +
      `have pooling '${own}', got '${pooling}'; leave pooling unset, or take blocks`,
  )
}

async function tableOf(
  { model, data, dtype }: FeatureSettings,
  { pooling, blocks, precision }: ExtractionSettings,
  preprocessing: ImagePreprocessing,
): Promise<FeatureTable> {
  const { hiddenSize } = model.config
  return {
    names: blocks === null ? ['head'] : blocks.map((block) => `block_${block}`),
    shape:
      pooling === 'patches'
        ? [model.patches, hiddenSize]
        : [pooling === 'concat' ? 2 * hiddenSize : hiddenSize],
    dtype,
    keys: Array.from({ length: data.length }, (_, index) => data.sample(index).key),
    classes: data.classes,
    targets: featureTargets(data),
    metadata: {
      kind: 'features',
      model: model.constructor.name,
      config: JSON.stringify(model.config),
      checkpoint: await weightsFingerprint(model),
      pooling,
      precision,
      preprocessing: JSON.stringify(preprocessing),
      images: data.fingerprint,
    },
  }
}
