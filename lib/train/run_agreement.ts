/** What a run is, as plain values: settings.json is written from it, and a resumed run must agree with it. */
import type { OptionSchema } from '../options.js'
import type { RunSettings } from './run_options.js'
import type { Agreement } from './training.js'

/** Options that change no weight: a resumed run may have others. */
const FREE: ReadonlySet<string> = new Set<keyof RunSettings | 'codebookEverySteps'>([
  'output',
  'resume',
  'saveEveryEpochs',
  'saveEverySteps',
  'keepCheckpoints',
  'evaluateEveryEpochs',
  'codebookEverySteps',
  'threads',
  'loaderThreads',
  'prefetch',
  'maxBrokenShare',
])

/**
 * The options that decide the result, the data, and the `parts` (configs of models) that do too.
 */
export function runAgreement(
  settings: RunSettings,
  schema: OptionSchema,
  parts: Record<string, object>,
): Agreement {
  const { name, length, fingerprint } = settings.data
  const deciding = Object.entries(settings).filter(
    ([option]) => !FREE.has(option) && schema[option]?.type !== 'object',
  )
  return {
    settings: Object.fromEntries(deciding),
    data: { name, length, fingerprint },
    ...parts,
  } as Agreement
}
