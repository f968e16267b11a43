/** What a run is, as plain values: settings.json has it, and a resumed run is compared with it. */
import { isJsonObject } from '../checkpoint/strict_json.js'
import { BeitError } from '../errors.js'
import type { OptionSchema } from '../options.js'
import type { RunSettings } from './run_options.js'

/** Options, data and the configs of models: named parts, each an object of plain values. */
export type RunConfig = Record<string, Record<string, unknown>>

/** Change no weight: a resumed run may have others. */
const FREE: ReadonlySet<string> = new Set([
  'settings.output',
  'settings.resume',
  'settings.saveEveryEpochs',
  'settings.saveEverySteps',
  'settings.keepCheckpoints',
  'settings.evaluateEveryEpochs',
  'settings.codebookEverySteps',
  'settings.samplesEveryEpochs',
  'settings.tensorboard',
  'settings.loaderThreads',
  'settings.prefetch',
  'settings.profile',
  'settings.cudaGraphs',
  'settings.maxBrokenShare',
  // Images that were moved are the same images: the fingerprint says so.
  'data.name',
  'validation',
])

/**
 * Change the order in which numbers are added up, and so their last bits: a resumed run may have others, and is
 * told so.
 */
const LAST_BITS: ReadonlySet<string> = new Set(['settings.threads', 'settings.optimize'])

/** @param models configs of what takes part */
export function runConfig(
  settings: RunSettings,
  schema: OptionSchema,
  models: Record<string, object>,
): RunConfig {
  const plain = Object.entries(settings).filter(([option]) => schema[option]?.type !== 'object')
  const describe = ({ name, length, fingerprint }: RunSettings['data']) => ({ name, length, fingerprint })
  const { data, validation } = settings
  return {
    settings: Object.fromEntries(plain),
    data: describe(data),
    ...(validation && { validation: describe(validation) }),
    ...(models as RunConfig),
  }
}

/** The same config with the number of threads in effect, which an unset option leaves to the machine. */
export function withThreads(config: RunConfig, threads: number): RunConfig {
  return { ...config, settings: { ...config.settings, threads } }
}

/**
 * Refuses to go on with a run of another config.
 * @returns what to warn of: a difference in the last bits
 * @throws BeitError ERR_CHECKPOINT_MISMATCH that names all that differs
 */
export function checkRunConfig(path: string, saved: RunConfig, now: RunConfig): string[] {
  // Through JSON, as the saved one went.
  const differing = differences(saved, JSON.parse(JSON.stringify(now)))
  const lines = (decides: boolean) =>
    differing.filter(({ name }) => !LAST_BITS.has(name) === decides).map(({ line }) => line)
  const decisive = lines(true)
  if (decisive.length > 0) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `the run cannot go on from ${path}, because its result would be another: ${decisive.join('; ')}. ` +
        'Give what it has, or begin a new run, which may load the weights of its model.safetensors',
    )
  }
  return lines(false).map(
    (line) => `${line}: the last bits will differ from those of a run that never stopped`,
  )
}

interface Difference {
  /** "settings.learningRate" */
  name: string
  /** "settings.learningRate: 0.001 in the checkpoint, 0.002 now" */
  line: string
}

/** One for each value that differs. */
function differences(saved: unknown, now: unknown, name = ''): Difference[] {
  if (FREE.has(name)) return []
  if (isJsonObject(saved) && isJsonObject(now)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(now)])
    return [...keys].flatMap((key) => differences(saved[key], now[key], name === '' ? key : `${name}.${key}`))
  }
  // A checkpoint from before there was an option has it unset.
  const [before, after] = [saved, now].map((value) => JSON.stringify(value ?? null))
  return before === after ? [] : [{ name, line: `${name}: ${before} in the checkpoint, ${after} now` }]
}
