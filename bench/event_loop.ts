/**
 * How late a 10 ms timer of JavaScript fires while a pre-training run computes: forward, backward and AdamW on
 * the engine thread, decoding on the loader's threads, events and progress on the event loop.
 *
 *     node dist/bench/event_loop.js FOLDER [MODEL] [STEPS]     # images; beit_tiny_patch16_224, 60
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BeitForMaskedImageModeling, ImageFolder, pretrain } from 'beit-torch'
import { startLateTimer } from '../test/support/late_timer.js'
import { smallTokenizer } from './small_tokenizer.js'

const PERIOD_MS = 10
const [folder, preset = 'beit_tiny_patch16_224', steps = '60'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node dist/bench/event_loop.js FOLDER [MODEL] [STEPS]')

const data = await ImageFolder.open(folder)
const tokenizer = await smallTokenizer()
const model = await BeitForMaskedImageModeling.create(preset, { vocabSize: 1024 })
const output = await mkdtemp(join(tmpdir(), 'beit-event-loop-'))

let late: number[] = []
let stop: (() => number[]) | undefined
const seconds: number[] = []
try {
  const options = { model, tokenizer, data, output, batchSize: 8, maxSteps: Number(steps), warmupEpochs: 0 }
  for await (const event of pretrain({ ...options, warmupSteps: 5 })) {
    if (event.type !== 'step') continue
    seconds.push(performance.now() / 1000)
    // From the first step on, when everything is loaded and runs at its pace.
    stop ??= startLateTimer(PERIOD_MS)
  }
} finally {
  late = stop?.() ?? []
  await rm(output, { recursive: true, force: true })
}

const at = (share: number) =>
  (late[Math.min(late.length - 1, Math.floor(late.length * share))] as number).toFixed(1)
const perStep = ((seconds.at(-1) as number) - (seconds[0] as number)) / (seconds.length - 1)
console.log(
  `${preset}, batches of 8, ${seconds.length} steps of ${(perStep * 1000).toFixed(0)} ms, ${late.length} ticks`,
)
console.log(
  `a ${PERIOD_MS} ms timer is late by, in ms: median ${at(0.5)}, 99th percentile ${at(0.99)}, most ${at(1)}`,
)
