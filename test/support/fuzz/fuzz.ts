/** The loop of the fuzzer: mutate, execute, keep what ended in a new way, save what must not be. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Corpus } from './corpus.js'
import { execute } from './execute.js'
import { fileOf, type Input, startInputs } from './inputs.js'
import { mutate } from './mutate.js'
import { Random } from './random.js'
import { readWhole } from './read_whole.js'

export interface FuzzOptions {
  executions: number
  seed: number
  /** Where inputs are saved that are neither read nor refused as they should be. */
  folder: string
  /** Sees each of those, and the counts now and then. */
  log?: (line: string) => void
}

export interface FuzzCounts {
  executions: number
  read: number
  refused: number
  offenders: number
  /** Of those read, the ones that the addon read from a file as well. */
  byAddon: number
  /** Ways to end that were seen: rules broken, kinds of content, by container. */
  ways: number
}

/** One of so many inputs that are read is also read from a file, by the addon. */
const ADDON_SHARE = 200
const PROGRESS = 50_000

/** Runs `executions` inputs: those to start from, then mutated ones. The same seed makes the same run. */
export async function fuzz({
  executions,
  seed,
  folder,
  log = () => undefined,
}: FuzzOptions): Promise<FuzzCounts> {
  const random = new Random(seed)
  const corpus = new Corpus(random)
  const counts = { executions: 0, read: 0, refused: 0, offenders: 0, byAddon: 0 }
  const start = performance.now()

  const run = async (input: Input) => {
    const file = fileOf(input)
    const { outcome, signature } = execute(file)
    counts.executions++
    if (outcome === 'offender') offend(file, signature)
    else counts[outcome]++
    corpus.add(input, outcome === 'read', signature)
    if (outcome === 'read' && counts.read % ADDON_SHARE === 0) {
      counts.byAddon++
      const problem = await readWhole(join(folder, 'input'), file)
      if (problem !== null) offend(file, problem)
    }
    if (counts.executions % PROGRESS === 0) log(summary())
  }
  const offend = (file: Buffer, what: string) => {
    counts.offenders++
    const path = join(folder, `offender-${seed}-${counts.executions}`)
    writeFileSync(path, file)
    log(`offender: ${path}: ${what}`)
  }
  const summary = () => {
    const perSecond = Math.round((1000 * counts.executions) / (performance.now() - start))
    return (
      `${counts.executions} executions, ${perSecond} a second: ${counts.read} read (${counts.byAddon} by the ` +
      `addon too), ${counts.refused} refused, ${counts.offenders} offenders; ${corpus.ways} ways to end, ` +
      `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB`
    )
  }

  for (const input of startInputs()) if (counts.executions < executions) await run(input)
  while (counts.executions < executions) await run(mutate(corpus.pick(), corpus.pick(), random))
  log(summary())
  return { ...counts, ways: corpus.ways }
}
