/** The files that all parties of a benchmark read: the same weights, the same images, the same masks. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BeitForMaskedImageModeling, DalleTokenizer, Tensor, writeSafetensors } from 'beit-torch'
import sharp from 'sharp'
import { native } from '../../lib/binding.js'
import { data } from '../../test/support/golden.js'
import type { Size } from './sizes.js'
import type { Work } from './work.js'

const MEAN = 0.5
const DEVIATION = 0.5
/** Pixels of a token of DALL-E. */
const TOKEN = 8

/**
 * Writes weights and a batch into `folder`. The images are photographs where BEIT_DATA or ../shared/data has a
 * folder of them, else smooth waves.
 */
export async function prepare(
  folder: string,
  size: Size,
): Promise<Pick<Work, 'model' | 'tokenizer' | 'inputs'> & { images: 'photographs' | 'waves' }> {
  const files = { model: folder, tokenizer: join(folder, 'dalle.safetensors') }
  using model = await BeitForMaskedImageModeling.create(size.model, { seed: 0 })
  await model.save(join(folder, 'model.safetensors'), { naming: 'transformers' })
  const options = { device: 'cpu', dtype: 'float32' } as const
  const handle = await native().moduleCreate('dalle_dvae', { ...size.tokenizer }, { ...options, seed: 1 })
  using tokenizer = new DalleTokenizer(handle, size.tokenizer, options)

  const { imageSize, batchSize } = size
  const grid = imageSize / size.patchSize
  const photographs = data('photos')
  const images = photographs === null ? null : await photographPaths(photographs, batchSize)
  const view = async (side: number) => {
    const views = Array.from({ length: batchSize }, (_, i) =>
      images === null ? waves(side, i) : pixelsOf(images[i % images.length] as string, side),
    )
    return Float32Array.from((await Promise.all(views)).flatMap((one) => [...one]))
  }
  const pixels = (await view(imageSize)).map((value) => (value - MEAN) / DEVIATION)
  const inputs = join(folder, 'inputs.safetensors')
  const tensors = new Map([
    ['pixels', Tensor.from(pixels, [batchSize, 3, imageSize, imageSize])],
    ['token_pixels', Tensor.from(await view(grid * TOKEN), [batchSize, 3, grid * TOKEN, grid * TOKEN])],
    ['mask', Tensor.from(masks(size, grid ** 2), [batchSize, grid ** 2], { dtype: 'bool' })],
  ])
  await writeSafetensors(inputs, tensors, {})
  await centre(tokenizer, tensors.get('token_pixels') as Tensor)
  await tokenizer.save(files.tokenizer)
  for (const tensor of tensors.values()) tensor.dispose()
  return { ...files, inputs, images: images === null ? 'waves' : 'photographs' }
}

/**
 * Takes the mean over the places of two images from the logits, by the bias. With random weights one token would
 * win at every place, and equal tokens would show nothing.
 */
async function centre(tokenizer: DalleTokenizer, pixels: Tensor): Promise<void> {
  const [, , height, width] = pixels.shape as [number, number, number, number]
  const few = (await pixels.toFloat32()).subarray(0, 2 * 3 * height * width)
  using images = Tensor.from(few, [2, 3, height, width])
  using logits = await tokenizer.logits(images)
  const values = await logits.toFloat32()
  const vocabulary = tokenizer.vocabSize
  const places = values.length / (2 * vocabulary)
  const bias = new Float32Array(vocabulary)
  // (2, V, h, w)
  for (const [i, value] of values.entries()) {
    const code = Math.floor(i / places) % vocabulary
    bias[code] = (bias[code] as number) - value / (2 * places)
  }
  const name = 'encoder.blocks.output.conv.b'
  await tokenizer.loadStateDict(new Map([[name, Tensor.from(bias, [vocabulary])]]), { strict: false })
}

async function photographPaths(folder: string, count: number): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const paths = names.filter((name) => /\.jpe?g$/i.test(name)).sort()
  return paths.slice(0, count).map((name) => join(folder, name))
}

/** (3, side, side) in [0, 1] */
async function pixelsOf(path: string, side: number): Promise<Float32Array> {
  const { data: bytes } = await sharp(path)
    .toColourspace('srgb')
    .removeAlpha()
    .resize(side, side, { fit: 'cover' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [channel, place] = [Math.floor(i / (side * side)), i % (side * side)]
    return (bytes[place * 3 + channel] as number) / 255
  })
}

/** (3, side, side) in [0, 1] of a picture of its own for each `image`. */
function waves(side: number, image: number): Float32Array {
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side]
    const phase = ((image + 2) * (x + channel * 7) + (image + 3) * y * (channel + 1)) / side
    return 0.5 + 0.5 * Math.sin(2 * Math.PI * phase)
  })
}

/** As many random patches of every image. */
function masks({ batchSize, masked }: Size, patches: number): Uint8Array {
  let state = 12_345
  const mask = new Uint8Array(batchSize * patches)
  for (let image = 0; image < batchSize; image++) {
    const chosen = new Set<number>()
    while (chosen.size < masked) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      chosen.add(Math.floor((state / 2 ** 32) * patches))
    }
    for (const patch of chosen) mask[image * patches + patch] = 1
  }
  return mask
}
