/** Whether bf16 learns as fp32 does: the loss of the first steps of a small model on real images. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BeitForMaskedImageModeling, openImages, pretrain } from 'beit-torch'
import { lineChart, type Point } from '../../lib/visualize/line_chart.js'
import { data } from '../../test/support/golden.js'
import { mean } from '../statistics.js'
import { testImages } from './images.js'
import { table } from './markdown.js'
import type { Part } from './part.js'
import { SMOKE } from './sizes.js'
import { randomTokenizer } from './tokenizer.js'

/** Losses of the steps of each run. */
export type LossCurveResult = Record<'fp32' | 'fp32 of another seed' | 'bf16', number[]>

const STEPS = 100
const SMOKE_STEPS = 3
/** Steps of the mean that the table compares. */
const LAST = 20

export const lossCurve: Part<LossCurveResult | null> = {
  name: 'loss',
  async run({ size, report }) {
    const images = data('photos')
    if (images === null) {
      report('skipped: there are no photographs (BEIT_DATA)')
      return null
    }
    const steps = size.name === 'smoke' ? SMOKE_STEPS : STEPS
    const losses = async (precision: 'fp32' | 'bf16', seed: number) => {
      const found = await train(images, precision, seed, steps)
      report(`${precision}, seed ${seed}: loss ${found.at(-1)?.toFixed(4)} after ${steps} steps`)
      return found
    }
    return {
      fp32: await losses('fp32', 0),
      bf16: await losses('bf16', 0),
      'fp32 of another seed': await losses('fp32', 1),
    }
  },
  markdown(result) {
    if (result === null) return 'Not measured: there are no photographs (BEIT_DATA).'
    const rows = Object.entries(result).map(([name, losses]) => [
      name,
      (losses[0] as number).toFixed(4),
      mean(losses.slice(-LAST)).toFixed(4),
      mean(losses.map((loss, i) => Math.abs(loss - (result.fp32[i] as number)))).toFixed(4),
    ])
    const head = ['', 'first loss', `mean of the last ${LAST} steps`, 'mean distance from fp32']
    return table([head, ...rows])
  },
  draw(result) {
    const points = (losses: readonly number[]) => losses.map((loss, i): Point => [i + 1, loss])
    if (result === null) return ''
    return lineChart({
      title: 'Loss in bf16 and in fp32',
      subtitle: 'A tiny model on photographs: the same weights, images and masks; another seed for the noise',
      xLabel: 'optimizer step',
      panels: [
        {
          title: 'Loss (nats a masked token)',
          height: 260,
          series: [
            {
              name: 'fp32, another seed',
              points: points(result['fp32 of another seed']),
              tone: 'reference',
              style: 'dashed',
            },
            { name: 'fp32', points: points(result.fp32), tone: 'training', style: 'solid' },
            { name: 'bf16', points: points(result.bf16), tone: 'evaluation', style: 'dashed' },
          ],
        },
      ],
    }).svg
  },
}

async function train(images: string, precision: 'fp32' | 'bf16', seed: number, steps: number) {
  const output = await mkdtemp(join(tmpdir(), 'beit-bench-loss-'))
  try {
    const { pixels: few } = await testImages(2, 64)
    using tokenizer = await randomTokenizer({ ...SMOKE.tokenizer, vocabSize: 256 }, few)
    using model = await BeitForMaskedImageModeling.create('beit_tiny_patch16_224', {
      imageSize: 128,
      vocabSize: tokenizer.vocabSize,
      dropPath: 0.1,
      seed,
    })
    const losses: number[] = []
    for await (const event of pretrain({
      model,
      tokenizer,
      data: await openImages(images),
      output: join(output, 'run'),
      batchSize: 16,
      epochs: Math.ceil((steps * 16) / 400) + 1,
      maxSteps: steps,
      warmupSteps: Math.floor(steps / 5),
      learningRate: 5e-4,
      precision,
      seed,
    })) {
      if (event.type === 'step') losses.push(event.loss)
    }
    return losses
  } finally {
    await rm(output, { recursive: true, force: true })
  }
}
