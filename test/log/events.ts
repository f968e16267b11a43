/** Events of a run that never was. */
import type { PretrainEvent, PretrainStepEvent, StartEvent } from '../../lib/train/events.js'

export const start = (output: string, more: Partial<StartEvent> = {}): StartEvent => ({
  type: 'start',
  runId: 'test',
  output,
  steps: 40,
  stepsPerEpoch: 10,
  epochs: 4,
  batchSize: 8,
  images: 80,
  parameters: 1234567,
  resumedFrom: null,
  resumedStep: 0,
  machine: {
    processor: 'a processor',
    processors: 2,
    memoryBytes: 2 ** 34,
    device: 'cpu',
    gpu: null,
    system: 'linux x64',
    node: '20.0.0',
    libtorch: '2.13.0',
  },
  config: {},
  ...more,
})

export const step = (number: number, more: Partial<PretrainStepEvent> = {}): PretrainStepEvent => ({
  type: 'step',
  step: number,
  epoch: Math.floor((number - 1) / 10),
  loss: 5 - number / 10,
  accuracy: number / 100,
  masked: 96,
  gradientNorm: 1.5,
  learningRate: 1e-3,
  weightDecay: 0.05,
  skipped: 0,
  imagesPerSecond: 16,
  waiting: 0.25,
  seconds: 0.5,
  perplexity: 30,
  ...more,
})

export const evaluation = (at: number): PretrainEvent => ({
  type: 'evaluation',
  epoch: at / 10 - 1,
  step: at,
  loss: 4.5,
  accuracy: 0.2,
  baselineAccuracy: 0.05,
  perplexity: 32,
  images: 16,
  broken: 0,
})

/** An event stream as a run gives it. */
export async function* stream<E>(events: readonly E[]): AsyncGenerator<E, void, undefined> {
  yield* events
}
