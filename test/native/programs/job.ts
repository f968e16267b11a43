/**
 * Work that keeps the engine thread inside libtorch for some hundredths of a second or more: what ends are
 * tested against.
 */
import { BeitForMaskedImageModeling, Tensor } from '../../../lib/index.js'

/** A function that starts one such job each time it is called. The first has run: the engine is warm. */
export async function preparedJob(batch = 8): Promise<() => Promise<Tensor>> {
  const model = await BeitForMaskedImageModeling.create({
    imageSize: 64,
    patchSize: 8,
    hiddenSize: 192,
    depth: 4,
    heads: 3,
    vocabSize: 64,
  })
  const pixels = (count: number) => Tensor.from(new Float32Array(count * 3 * 64 * 64), [count, 3, 64, 64])
  const small = await model.forward(pixels(1), { allTokens: true })
  small.dispose()
  const large = pixels(batch)
  return () => model.forward(large, { allTokens: true })
}
