/**
 * Runs one long job (the argument: 'forward', 'step' or 'encode') to its end, then ends the process in the
 * middle of a second one. Prints how long a whole job took and how long the end had to wait, in ms.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readSafetensors } from '../../../lib/checkpoint/safetensors.js'
import { BeitForMaskedImageModeling, DalleTokenizer, Tensor } from '../../../lib/index.js'
import { MaskedImageModeling } from '../../../lib/objectives/masked_image_modeling.js'
import { fixture } from '../../support/golden.js'

const IMAGES = 48
const images = (size: number) =>
  Tensor.from(new Float32Array(IMAGES * 3 * size * size).fill(0.5), [IMAGES, 3, size, size])
const beit = () =>
  BeitForMaskedImageModeling.create({
    imageSize: 64,
    patchSize: 8,
    hiddenSize: 192,
    depth: 12,
    heads: 3,
    vocabSize: 64,
  })

/** Each with the share of the job after which the process ends: of a step, in the backward pass. */
const JOBS: Record<string, { share: number; prepare: () => Promise<() => Promise<unknown>> }> = {
  forward: {
    share: 0.2,
    async prepare() {
      const [model, pixels] = [await beit(), images(64)]
      return () => model.forward(pixels, { allTokens: true })
    },
  },
  step: {
    share: 0.5,
    async prepare() {
      const trainer = await new MaskedImageModeling({ model: await beit(), tokenizer: null }).createTrainer({
        betas: [0.9, 0.999],
        eps: 1e-8,
        clipGradient: 3,
        precision: 'fp32',
        seed: 0,
      })
      const batch = {
        pixels: images(64),
        mask: Tensor.from(new Uint8Array(IMAGES * 64).fill(1), [IMAGES, 64], { dtype: 'bool' }),
        tokens: Tensor.from(new BigInt64Array(IMAGES * 64), [IMAGES, 64]),
      }
      return () => trainer.step([batch], { learningRate: 1e-3, weightDecay: 0.05 })
    },
  },
  encode: {
    share: 0.2,
    async prepare() {
      const { tensors } = await readSafetensors(fixture('dalle_dvae_small.safetensors'))
      const isWeight = (name: string) => /^(en|de)coder\./.test(name)
      const tokenizer = await DalleTokenizer.fromStateDict(
        new Map([...tensors].filter(([name]) => isWeight(name))),
      )
      const pixels = images(128)
      return () => tokenizer.encode(pixels)
    },
  },
}

const { share, prepare } = JOBS[process.argv[2] as string] as (typeof JOBS)[string]
const job = await prepare()
const began = performance.now()
await job()
const whole = performance.now() - began
void job()
await delay(whole * share)
const asked = performance.now()
// After the addon's own handler, which waits for the engine.
process.on('exit', () => console.log(JSON.stringify({ whole, waited: performance.now() - asked })))
process.exit(7)
