// Feeds mutated checkpoints to the readers and looks for whatever is neither read nor refused as it should be: other
// errors than BeitError, tensors outside of their storage, a second of time, crashes. Inputs that end in a way not
// seen before are kept and mutated further. The same seed makes the same run.
//
//   node scripts/fuzz_checkpoints.mjs [--executions N] [--seed S] [--out FOLDER]
//
// What it finds is saved to FOLDER (default: a new temporary one), and the exit status is 1. Needs `npm run build`.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root, StepError } from './steps/run.mjs'

/** One of so many inputs that are read is also read from a file, by the addon. */
const ADDON_SHARE = 200

const { values } = parseArgs({
  options: {
    executions: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
})
const executions = whole('executions')
const seed = whole('seed')
const folder = values.out ?? mkdtempSync(join(tmpdir(), 'beit-fuzz-'))
mkdirSync(folder, { recursive: true })

const { Corpus } = await built('fuzz/corpus.js')
const { execute } = await built('fuzz/execute.js')
const { fileOf, startInputs } = await built('fuzz/inputs.js')
const { mutate } = await built('fuzz/mutate.js')
const { Random } = await built('fuzz/random.js')
const { readWhole } = await built('fuzz/read_whole.js')

const random = new Random(seed)
const corpus = new Corpus(random)
const counts = { read: 0, refused: 0, offender: 0 }
let executed = 0
let readByAddon = 0
let peak = 0
const start = performance.now()
console.log(`seed ${seed}; what is found goes to ${folder}`)

for (const input of startInputs()) await run(input)
while (executed < executions) await run(mutate(corpus.pick(), corpus.pick(), random))
progress()
process.exitCode = counts.offender === 0 ? 0 : 1

async function run(input) {
  const file = fileOf(input)
  const { outcome, signature } = execute(file)
  executed++
  counts[outcome]++
  corpus.add(input, outcome === 'read', signature)
  if (outcome === 'offender') report(file, signature)
  if (outcome === 'read' && counts.read % ADDON_SHARE === 0) {
    readByAddon++
    const problem = await readWhole(join(folder, 'input'), file)
    if (problem !== null) report(file, problem)
  }
  if (executed % 50_000 === 0) progress()
}

function report(file, what) {
  const path = join(folder, `offender-${seed}-${executed}`)
  writeFileSync(path, file)
  console.log(`offender: ${path}: ${what}`)
}

function progress() {
  peak = Math.max(peak, process.memoryUsage.rss())
  const perSecond = Math.round((1000 * executed) / (performance.now() - start))
  console.log(
    `${executed} executions, ${perSecond} a second: ${counts.read} read (${readByAddon} by the addon too), ` +
      `${counts.refused} refused, ${counts.offender} offenders; ${corpus.ways} ways to end, ` +
      `${Math.round(peak / 2 ** 20)} MB`,
  )
}

function built(path) {
  return import(pathToFileURL(join(root, 'dist', 'test', 'support', path)).href)
}

function whole(option) {
  const number = Number(values[option])
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new StepError(`--${option} must be a whole number, got ${values[option]}`)
}
