// Feeds mutated checkpoints to the readers and looks for whatever is neither read nor refused as it should be: other
// errors than BeitError, tensors outside of their storage, a second of time, crashes. Inputs that end in a way not
// seen before are kept and mutated further. The same seed makes the same run.
//
//   node scripts/fuzz_checkpoints.mjs [--executions N] [--seed S] [--out FOLDER]
//
// What it finds is saved to FOLDER (default: a new temporary one), and the exit status is 1. Needs `npm run build`.
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { main, root, StepError } from './steps/run.mjs'

await main(async () => {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
    },
  })
  const executions = whole('executions', values.executions)
  const seed = whole('seed', values.seed)
  const module = join(root, 'dist', 'test', 'support', 'fuzz', 'fuzz.js')
  if (!existsSync(module)) throw new StepError(`${module} is missing. Run 'npm run build' first.`)
  const { fuzz } = await import(pathToFileURL(module).href)
  const folder = values.out ?? mkdtempSync(join(tmpdir(), 'beit-fuzz-'))
  mkdirSync(folder, { recursive: true })
  console.log(`${executions} executions, seed ${seed}; what is found goes to ${folder}`)
  const { offenders } = await fuzz({ executions, seed, folder, log: console.log })
  if (offenders > 0) process.exitCode = 1
})

/**
 * @param {string} option
 * @param {string} text
 */
function whole(option, text) {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new StepError(`--${option} must be a whole number, got ${text}`)
}
