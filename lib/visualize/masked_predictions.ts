/** What a model makes of masked images: its most likely tokens, beside the right ones, and both decoded. */
import type { Batch } from '../data/batches.js'
import { floatPixels } from '../data/float_pixels.js'
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { evaluationViews } from '../data/view_settings.js'
import { scope } from '../dispose.js'
import type { MaskSettings } from '../native.js'
import { MaskedImageModeling } from '../objectives/masked_image_modeling.js'
import { Tensor } from '../tensor.js'
import type { Interpolation } from '../train/crop_options.js'
import type { PretrainOptions } from '../train/pretrain_options.js'
import { someImages } from './image_batches.js'
import { imagesOf, type RgbImage } from './rgb_image.js'

/** What the model sees. */
interface View extends Pick<ImagePreprocessing, 'mean' | 'std'> {
  mask: MaskSettings
  interpolation: Interpolation
  tokenInterpolation: Interpolation
}

export interface MaskedPredictions {
  originals: RgbImage[]
  /** All target tokens decoded. */
  decoded: RgbImage[]
  /** The same with the masked ones replaced by the predicted. */
  decodedMixed: RgbImage[]
  /** The mask of an image, row by row, 1 where masked. */
  maskOfImage(image: number): Uint8Array
  scores: { right: number; masked: number }[]
}

/** @param choice number of images and the seed that chooses them and their masks */
export async function maskedPredictions(
  { model, tokenizer, data }: Pick<PretrainOptions, 'model' | 'tokenizer' | 'data'>,
  view: View,
  { count, seed }: { count: number; seed: number },
): Promise<MaskedPredictions> {
  const { mask, interpolation, tokenInterpolation } = view
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
    const mixed = mix(targets, masks, await predict(model, pixels, maskTensor, view))
    const mixedTokens = Tensor.from(mixed, tokens.shape, { device: tokenizer.device })
    return {
      targets,
      mixed,
      decoded: await imagesOf(await tokenizer.decode(tokens)),
      decodedMixed: await imagesOf(await tokenizer.decode(mixedTokens)),
    }
  })

  const originals = await imagesOf(pixels)
  const { patches } = model
  return {
    originals,
    decoded,
    decodedMixed,
    maskOfImage: (image) => masks.subarray(image * patches, (image + 1) * patches),
    scores: originals.map((_, image) => score(targets, mixed, masks, image * patches, patches)),
  }
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
