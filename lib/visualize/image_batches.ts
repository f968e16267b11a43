/** Images on their way to a model or tokenizer outside of training, where the trainer would normalise them. */
import { type Batch, batches } from '../data/batches.js'
import type { ImageSource } from '../data/image_source.js'
import { BeitError } from '../errors.js'
import type { ViewSettings } from '../native.js'
import { Tensor } from '../tensor.js'

/** A few images of `source`, chosen by `seed`. The caller disposes the batch. */
export async function someImages(
  source: ImageSource,
  views: ViewSettings,
  count: number,
  seed: number,
): Promise<Batch> {
  const stream = batches(source, {
    views,
    batchSize: Math.min(count, source.length),
    epochs: 1,
    dropLast: false,
    seed,
    prefetch: 1,
    maxBrokenShare: 1,
  })
  for await (const batch of stream) return batch
  throw new BeitError('ERR_DATA', `no image of ${source.name} can be read`)
}

/** uint8 (B, 3, H, W) -> float32 (x / 255 - mean) / std, on `device`; without mean and std: in [0, 1] */
export async function floatPixels(
  pixels: Tensor,
  device: string,
  mean: readonly number[] = [0, 0, 0],
  std: readonly number[] = [1, 1, 1],
): Promise<Tensor> {
  const [, channels, height, width] = pixels.shape as [number, number, number, number]
  const plane = height * width
  const bytes = await pixels.toTypedArray()
  const floats = Float32Array.from(bytes as Uint8Array, (value, i) => {
    const channel = Math.floor(i / plane) % channels
    return (value / 255 - (mean[channel] as number)) / (std[channel] as number)
  })
  return Tensor.from(floats, pixels.shape, { device })
}
