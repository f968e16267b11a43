/** Single images, named or in memory, on the way that the images of a data set take. */
import { availableParallelism } from 'node:os'
import { native } from '../binding.js'
import { BeitError } from '../errors.js'
import type { RawImage, ViewSettings } from '../native.js'
import { Tensor } from '../tensor.js'
import { decodeBytes, readImage } from './decode_fallback.js'
import { Limiter } from './limiter.js'

/** The path of an image, or its encoded bytes. */
export type EncodedImage = string | Uint8Array

/**
 * The images as `views` shows them: uint8 (B, 3, H, W).
 * @param first what `images` begins with in the caller's list, for messages
 * @throws BeitError ERR_IO for a file that cannot be read, ERR_FORMAT for what is no image or a broken one, naming
 * it by its path or its place in `images`
 */
export async function imagePixels(
  images: readonly EncodedImage[],
  views: ViewSettings,
  first = 0,
): Promise<Tensor> {
  const threads = Math.min(availableParallelism(), images.length)
  const limiter = new Limiter(threads)
  const loader = native().imageLoaderCreate(views, threads)
  const shape = [images.length, 3, ...views.imageSize]
  const bytes = new Uint8Array(shape.reduce((product, size) => product * size, 1))
  const pixels = Tensor.from(bytes, shape)
  const rows = { pixels: pixels.handle, tokenPixels: null, mask: null }
  try {
    const loaded = images.map((image, index) =>
      limiter.run(async () => {
        const decoded = await decode(image, `images[${first + index}]`, views.maxPixels)
        await native().imageLoaderLoadRaw(loader, rows, index, { ...decoded, index }, 0)
      }),
    )
    // All of them, even when one has failed: none may write to memory that is given up.
    const outcomes = await Promise.allSettled(loaded)
    const failure = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    return pixels
  } catch (error) {
    pixels.dispose()
    throw error
  } finally {
    native().dispose(loader)
  }
}

async function decode(image: EncodedImage, place: string, maxPixels: number): Promise<RawImage> {
  const name = typeof image === 'string' ? image : place
  const bytes = await bytesOf(image, maxPixels).catch((cause: Error) => {
    throw new BeitError('ERR_IO', `cannot read ${name}: ${cause.message}`, { cause })
  })
  const { status, message, rgb, width, height } = await native().decodeJpeg(bytes, maxPixels)
  if (rgb !== null) return { rgb, width, height }
  if (status === 'broken') throw new BeitError('ERR_FORMAT', `${name}: ${message}`)
  return decodeBytes(bytes, maxPixels).catch((cause: Error) => {
    throw new BeitError('ERR_FORMAT', `${name}: ${cause.message}`, { cause })
  })
}

async function bytesOf(image: EncodedImage, maxPixels: number): Promise<Buffer> {
  if (typeof image === 'string') return readImage(image, 0, -1, maxPixels)
  return Buffer.from(image.buffer, image.byteOffset, image.byteLength)
}
