/** Images on their way to a model or tokenizer outside of training, where the trainer would normalise them. */
import { Tensor } from '../tensor.js'

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
