/** Small images on their way into a picture: interleaved 8-bit RGB, as sharp takes it. */
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'

export interface RgbImage {
  readonly width: number
  readonly height: number
  /** height * width * 3 bytes */
  readonly rgb: Uint8Array
}

/** The images of a batch (B, 3, H, W): uint8, or floats in [0, 1]. */
export async function imagesOf(pixels: Tensor): Promise<RgbImage[]> {
  const [count, channels, height, width] = pixels.shape as [number, number, number, number]
  if (pixels.shape.length !== 4 || channels !== 3) {
    throw new BeitError('ERR_SHAPE_MISMATCH', `pixels must be (B, 3, H, W), got [${pixels.shape.join(', ')}]`)
  }
  const whole = pixels.dtype === 'uint8'
  const values = whole ? ((await pixels.toTypedArray()) as Uint8Array) : await pixels.toFloat32()
  const plane = height * width
  return Array.from({ length: count }, (_, image) => {
    // (3, H, W) -> (H, W, 3)
    const rgb = new Uint8ClampedArray(plane * 3)
    for (let channel = 0; channel < 3; channel++) {
      const from = (image * 3 + channel) * plane
      for (let i = 0; i < plane; i++) {
        const value = values[from + i] as number
        rgb[i * 3 + channel] = whole ? value : value * 255
      }
    }
    return { width, height, rgb: new Uint8Array(rgb.buffer) }
  })
}

/** A square of `side` pixels of an image; it must lie inside. */
export function cut(image: RgbImage, left: number, top: number, side: number): RgbImage {
  const rgb = new Uint8Array(side * side * 3)
  for (let row = 0; row < side; row++) {
    const from = ((top + row) * image.width + left) * 3
    rgb.set(image.rgb.subarray(from, from + side * 3), row * side * 3)
  }
  return { width: side, height: side, rgb }
}
