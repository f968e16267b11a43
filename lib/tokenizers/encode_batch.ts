/** From the images of a batch to their visual tokens. */
import { floatPixels } from '../data/float_pixels.js'
import { scope } from '../dispose.js'
import type { Tensor } from '../tensor.js'
import type { ImageTokenizer } from './image_tokenizer.js'

/** The tokens of uint8 images (B, 3, H, W), row by row. */
export async function encodeBatch(tokenizer: ImageTokenizer, pixels: Tensor): Promise<BigInt64Array> {
  return scope(async () => {
    const tokens = await tokenizer.encode(await floatPixels(pixels, tokenizer.device))
    return (await tokens.toTypedArray()) as BigInt64Array
  })
}
