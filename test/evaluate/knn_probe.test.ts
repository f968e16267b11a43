import * as assert from 'uvu/assert'
import { batches } from '../../lib/data/batches.js'
import { floatPixels } from '../../lib/data/float_pixels.js'
import type { ImageSource } from '../../lib/data/image_source.js'
import { evaluationViews } from '../../lib/data/view_settings.js'
import { scope } from '../../lib/dispose.js'
import { knnProbe } from '../../lib/evaluate/knn_probe.js'
import type { KnnProbeOptions } from '../../lib/evaluate/probe_options.js'
import type { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import type { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { probeImages, probeModel } from './probe_images.js'

const test = suite('k-NN probe')

async function setUp(options: Partial<KnnProbeOptions> = {}): Promise<KnnProbeOptions> {
  const [data, validation] = [await probeImages(10), await probeImages(6, 2)]
  return { model: await probeModel(), data, validation, neighbours: [1, 5, 20], threads: 1, ...options }
}

const MEAN = [0.5, 0.5, 0.5]

/** Features of block 1 by model.features, pooled here: [class token, mean of patches] an image. */
async function features(model: BeitForMaskedImageModeling, source: ImageSource) {
  const views = evaluationViews({ imageSize: [16, 16], tokenImageSize: null, maskGrid: null })
  const rows: { cls: number[]; mean: number[]; label: number }[] = []
  const stream = batches(source, { views, batchSize: 7, epochs: 1, shuffle: false, dropLast: false })
  for await (const batch of stream) {
    await scope(async () => {
      const pixels = await floatPixels(batch.pixels, 'cpu', MEAN, MEAN)
      const [block] = (await model.features(pixels, { blocks: [1] })) as [Tensor]
      const values = await block.toFloat32()
      const [, tokens, width] = block.shape as [number, number, number]
      batch.indices.forEach((index, i) => {
        const token = (t: number) =>
          Array.from(values.subarray((i * tokens + t) * width, (i * tokens + t + 1) * width))
        const sum = new Array<number>(width).fill(0)
        for (let t = 1; t < tokens; t++) {
          token(t).forEach((x, k) => {
            sum[k] = (sum[k] as number) + x
          })
        }
        const mean = sum.map((x) => x / (tokens - 1))
        rows.push({ cls: token(0), mean, label: source.sample(index).label as number })
      })
      batch.dispose()
    })
  }
  return rows
}

const cosine = (a: number[], b: number[]) => {
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * (y[i] as number), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

test('equals brute force over the features that the model itself gives, with every pooling', async () => {
  const options = await setUp()
  const model = options.model as BeitForMaskedImageModeling
  const [bank, queries] = [await features(model, options.data), await features(model, options.validation)]
  const vectors = {
    cls: (row: (typeof bank)[number]) => row.cls,
    mean: (row: (typeof bank)[number]) => row.mean,
    concat: (row: (typeof bank)[number]) => [...row.cls, ...row.mean],
  }
  for (const pooling of ['cls', 'mean', 'concat'] as const) {
    const expected = [1, 5, 20].map((count) => {
      const hits = queries.filter((query) => {
        const near = bank
          .map((row) => ({
            label: row.label,
            similarity: cosine(vectors[pooling](query), vectors[pooling](row)),
          }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, count)
        const votes = [0, 0, 0]
        for (const { label, similarity } of near) {
          votes[label] = (votes[label] as number) + Math.exp(similarity / 0.07)
        }
        return votes.indexOf(Math.max(...votes)) === query.label
      })
      return { block: 1, neighbours: count, accuracy: hits.length / queries.length }
    })
    const result = await knnProbe({ ...options, pooling, blocks: [1], normalization: 'inception' })
    assert.equal(result.scores, expected, pooling)
  }
})

test('reports every block and number of neighbours; the batch size and threads change nothing', async () => {
  const options = await setUp()
  const { seconds, ...result } = await knnProbe(options)
  assert.equal(result.images, { training: 30, validation: 18 })
  assert.is(result.scores.length, 9)
  assert.is(result.best.accuracy, Math.max(...result.scores.map(({ accuracy }) => accuracy)))
  assert.ok(result.best.accuracy > 0.6, JSON.stringify(result.scores))
  const { seconds: _, ...other } = await knnProbe({ ...options, batchSize: 5, loaderThreads: 3, prefetch: 1 })
  assert.equal(other, result)
  // The numbers are put in order, each once.
  const again = await knnProbe({ ...options, neighbours: [20, 1, 5, 5] })
  assert.equal(again.scores, result.scores)
  // An image is its own nearest neighbour.
  const self = await knnProbe({ ...options, validation: options.data, neighbours: [1] })
  assert.ok(self.scores.every(({ accuracy }) => accuracy === 1))
})

test('numbers of neighbours that the data cannot give are refused', async () => {
  const bad = async (neighbours: number[], message: RegExp) =>
    rejects(knnProbe(await setUp({ neighbours })), 'ERR_INVALID_ARGUMENT', message)
  await bad([5, 31], /neighbours must be integers of at most 30/)
  await bad([1.5], /neighbours must be integers/)
  await bad([0], /neighbours/)
  await rejects(knnProbe(await setUp({ temperature: 0 })), 'ERR_INVALID_ARGUMENT', /temperature/)
})

test.run()
