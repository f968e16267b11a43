/** Follows the events of a run while no file may grow beyond what `ulimit -f` says. Argument: the folder. */
import { writeTensorBoard } from '../../../lib/log/tensorboard/write_tensorboard.js'
import { start, step, stream } from '../events.js'

const folder = process.argv[2] as string
const config = { settings: { note: 'x'.repeat(100) } }
const steps = Array.from({ length: 400 }, (_, i) => step(i + 1))
let warnings = 0
const types: string[] = []
for await (const event of writeTensorBoard(
  stream([
    start(folder, { config }),
    ...steps,
    { type: 'checkpoint', step: 400, path: 'p', seconds: 0 },
    step(401),
  ]),
)) {
  types.push(event.type)
  if (event.type === 'warning') {
    warnings++
    console.log(event.message)
  }
}
console.log(
  JSON.stringify({ steps: types.filter((type) => type === 'step').length, warnings, last: types.at(-1) }),
)
