/**
 * Pre-trains for 40 steps, saving after every fifth, and prints how late a 10 ms timer fired meanwhile, from
 * the first step to the end of the run: { ticks, saves, p99 }, in ms.
 */
import { pretrain } from '../../../lib/index.js'
import { startLateTimer } from '../../support/late_timer.js'
import { temporary } from '../../support/temporary.js'
import { microImages, microModel, microRun } from '../micro.js'

const PERIOD_MS = 10
// Large enough for steps of many periods, and for weights and moments of some megabytes in a checkpoint.
const model = await microModel({ hiddenSize: 192, heads: 3, depth: 6 })
const options = { ...(await microRun(temporary(), await microImages())), model }

let saves = 0
let stop: (() => number[]) | undefined
for await (const event of pretrain({ ...options, maxSteps: 40, epochs: 20, saveEverySteps: 5 })) {
  if (event.type === 'step') stop ??= startLateTimer(PERIOD_MS)
  if (event.type === 'checkpoint') saves++
}
const late = stop?.() ?? []
console.log(JSON.stringify({ ticks: late.length, saves, p99: late[Math.floor(late.length * 0.99)] }))
