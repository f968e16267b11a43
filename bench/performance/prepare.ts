/** The files that all parties of a benchmark read: the same weights, the same images, the same masks. */
import { join } from 'node:path'
import { BeitForMaskedImageModeling, Tensor, writeSafetensors } from 'beit-torch'
import { testImages } from './images.js'
import { type Size, TOKEN_PIXELS } from './sizes.js'
import { randomTokenizer } from './tokenizer.js'
import type { Work } from './work.js'

const MEAN = 0.5
const DEVIATION = 0.5
/** Writes weights and a batch into `folder`; `images` says what the batch is of. */
export async function prepare(
  folder: string,
  size: Size,
): Promise<Pick<Work, 'model' | 'tokenizer' | 'inputs'> & { images: string; parameters: number }> {
  const files = { tokenizer: join(folder, 'dalle.safetensors'), inputs: join(folder, 'inputs.safetensors') }
  using model = await BeitForMaskedImageModeling.create(size.model, { seed: 0 })
  await model.save(join(folder, 'model.safetensors'), { naming: 'transformers' })

  const { imageSize, batchSize } = size
  const grid = imageSize / size.patchSize
  const { pixels, kind } = await testImages(batchSize, imageSize)
  const { pixels: tokenPixels } = await testImages(batchSize, grid * TOKEN_PIXELS)
  const normalised = (await pixels.toFloat32()).map((value) => (value - MEAN) / DEVIATION)
  const tensors = new Map([
    ['pixels', Tensor.from(normalised, pixels.shape)],
    ['token_pixels', tokenPixels],
    ['mask', Tensor.from(masks(size, grid ** 2), [batchSize, grid ** 2], { dtype: 'bool' })],
  ])
  await writeSafetensors(files.inputs, tensors, {})
  const { pixels: few } = await testImages(2, grid * TOKEN_PIXELS)
  using tokenizer = await randomTokenizer(size.tokenizer, few)
  await tokenizer.save(files.tokenizer)
  for (const tensor of [...tensors.values(), pixels, few]) tensor.dispose()
  return { model: folder, ...files, images: kind, parameters: await model.parameterCount() }
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
