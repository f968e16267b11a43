/** What a model makes of masked images, as a sheet: the first thing to look at after a run. */
import type { Batch } from '../data/batches.js'
import { floatPixels } from '../data/float_pixels.js'
import { normalizationOf } from '../data/normalization.js'
import { evaluationViews } from '../data/view_settings.js'
import { scope } from '../dispose.js'
import { percent } from '../log/format.js'
import { MaskedImageModeling } from '../objectives/masked_image_modeling.js'
import { type OptionSpec, validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { maskOf } from '../train/pretrain.js'
import { type PretrainOptions, type PretrainSettings, pretrainSchema } from '../train/pretrain_options.js'
import { someImages } from './image_batches.js'
import { coverMasked, outlineMasked } from './patches.js'
import type { Picture } from './picture.js'
import { imagesOf } from './rgb_image.js'
import { drawSheet } from './sheet.js'

/** The options of `pretrain()` that decide what the model sees. */
const SEEN = [
  'maskMode',
  'maskPatches',
  'minMaskPatchesPerBlock',
  'maxMaskPatchesPerBlock',
  'minMaskAspect',
  'interpolation',
  'tokenInterpolation',
  'normalization',
  'mean',
  'std',
] as const

/** What was given to `pretrain()`, whole or in part. */
export type SampleSheetOptions = Pick<PretrainOptions, 'model' | 'tokenizer' | 'data'> &
  Partial<PretrainSettings>

/**
 * Draws a sheet of four rows: the original, the same with the masked patches covered, the target tokens decoded, and the
 * predicted tokens decoded. In the last row the model's tokens stand inside the white line; outside of it, where the
 * model saw the image, the target tokens do.
 *
 * @param options those of `pretrain()`; what is not given is as it is there. The images are those of `validation`, or
 * of `data` without it.
 * @param choice number of images, one a column, and the seed that chooses images and masks
 * @example
 * for await (const event of pretrain(options)) console.log(event.type)
 * const picture = await sampleSheet(options)
 * await picture.save('runs/first/samples.png')
 */
export async function sampleSheet(
  options: SampleSheetOptions,
  { count = 8, seed = 0 }: { count?: number; seed?: number } = {},
): Promise<Picture> {
  const { model, tokenizer } = options
  const settings = validateOptions<PretrainSettings>(
    'sampleSheet',
    Object.fromEntries(SEEN.map((name) => [name, pretrainSchema[name] as OptionSpec])),
    Object.fromEntries(SEEN.map((name) => [name, options[name]])),
  )
  const data = options.validation ?? options.data
  const { interpolation, tokenInterpolation } = settings
  const mask = maskOf(settings, model.grid)
  const { views } = new MaskedImageModeling({ model, tokenizer })
  using batch = await someImages(
    data,
    evaluationViews(views, { seed, mask, interpolation, tokenInterpolation }),
    count,
    seed,
  )
  const { pixels, tokenPixels, mask: maskTensor } = batch as Batch & { tokenPixels: Tensor; mask: Tensor }
  const masks = (await maskTensor.toTypedArray()) as Uint8Array

  const { targets, mixed, decoded, decodedMixed } = await scope(async () => {
    const tokens = await tokenizer.encode(await floatPixels(tokenPixels, tokenizer.device))
    const targets = (await tokens.toTypedArray()) as BigInt64Array
    const mixed = mix(targets, masks, await predict(model, pixels, maskTensor, normalizationOf(settings)))
    const mixedTokens = Tensor.from(mixed, tokens.shape, { device: tokenizer.device })
    return {
      targets,
      mixed,
      decoded: await imagesOf(await tokenizer.decode(tokens)),
      decodedMixed: await imagesOf(await tokenizer.decode(mixedTokens)),
    }
  })

  const originals = await imagesOf(pixels)
  const { grid } = model
  const patches = grid[0] * grid[1]
  const rowOfMask = (image: number) => masks.subarray(image * patches, (image + 1) * patches)
  const scores = originals.map((_, image) => score(targets, mixed, masks, image * patches, patches))
  const right = scores.reduce((sum, one) => sum + one.right, 0)
  const masked = scores.reduce((sum, one) => sum + one.masked, 0)
  return drawSheet({
    title: 'Masked image modelling',
    subtitle: `${right} of ${masked} masked tokens right (${percent(right / masked)}) · images of ${data.name}`,
    rows: [
      { name: ['Original'], tiles: originals.map((image) => ({ image })) },
      {
        name: ['Masked'],
        tiles: originals.map((image, i) => ({
          image,
          overlay: (cell) => coverMasked(rowOfMask(i), grid, cell),
        })),
      },
      { name: ['Target tokens', 'decoded'], tiles: decoded.map((image) => ({ image })) },
      {
        name: ['Predicted tokens', 'inside the line'],
        tiles: decodedMixed.map((image, i) => ({
          image,
          overlay: (cell) => outlineMasked(rowOfMask(i), grid, cell),
        })),
      },
    ],
    footers: scores.map((one) => `${one.right} of ${one.masked} right`),
  })
}

/** The most likely token of each masked patch, in row-major order of the mask. */
async function predict(
  model: PretrainOptions['model'],
  pixels: Tensor,
  mask: Tensor,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Promise<number[]> {
  const input = await floatPixels(pixels, model.device, mean, std)
  const logits = await model.forward(await input.to({ dtype: model.dtype }), {
    mask: await mask.to({ device: model.device }),
  })
  const [masked, vocabSize] = logits.shape as [number, number]
  const values = await logits.toFloat32()
  return Array.from({ length: masked }, (_, row) => {
    let best = row * vocabSize
    for (let i = best + 1; i < (row + 1) * vocabSize; i++)
      if ((values[i] as number) > (values[best] as number)) best = i
    return best - row * vocabSize
  })
}

/** `targets` with the masked ones replaced by `predicted`. */
function mix(targets: BigInt64Array, masks: Uint8Array, predicted: readonly number[]): BigInt64Array {
  let next = 0
  return targets.map((token, i) => (masks[i] ? BigInt(predicted[next++] as number) : token))
}

function score(
  targets: BigInt64Array,
  mixed: BigInt64Array,
  masks: Uint8Array,
  from: number,
  patches: number,
) {
  let [right, masked] = [0, 0]
  for (let i = from; i < from + patches; i++) {
    if (!masks[i]) continue
    masked++
    if (targets[i] === mixed[i]) right++
  }
  return { right, masked }
}
