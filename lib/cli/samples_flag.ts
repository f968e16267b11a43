/** --samples-every-epochs, which has a default on the command line: who follows a run there wants to see something. */
import type { OptionSchema, OptionSpec } from '../options.js'
import { samplesSchema } from '../train/run_options.js'

/** Sheets of a whole run: enough to see it learn, and few beside its checkpoints. */
const SHEETS = 10

export const SAMPLES_FLAG: OptionSchema = {
  samplesEveryEpochs: {
    ...(samplesSchema.samplesEveryEpochs as OptionSpec & { type: 'integer' }),
    min: 0,
    doc: 'Epochs between sheets of what the model makes of some images, in samples/ of the output; 0: none; unset: a tenth of the epochs',
  },
}

/**
 * What the flag, or its absence, means to the API.
 * @param values those of a call, and the defaults of its options
 */
export function samplesEveryEpochs(values: Readonly<Record<string, unknown>>, options: OptionSchema) {
  const given = values.samplesEveryEpochs as number | null | undefined
  const epochs = (values.epochs ?? options.epochs?.default) as number
  return (given ?? Math.ceil(epochs / SHEETS)) || null
}
