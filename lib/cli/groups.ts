/** Puts the options of a training call under the headings of its help, and picks values out again. */
import type { OptionSchema, OptionSpec } from '../options.js'
import type { FlagGroup } from './command.js'

/** Options that the command line gives in another way: as paths (a data set, a model) or not at all (a signal). */
const isFlag = (spec: OptionSpec) => spec.type !== 'object'

/**
 * The options of `schema` that can be flags, under `headings`; those under none of them go under 'More'.
 * @param headings title -> names in the order of the help
 */
export function groupFlags(schema: OptionSchema, headings: Record<string, readonly string[]>): FlagGroup[] {
  const named = new Set(Object.values(headings).flat())
  const rest = Object.keys(schema).filter((name) => !named.has(name) && isFlag(schema[name] as OptionSpec))
  return Object.entries({ ...headings, More: rest })
    .map(([title, names]) => ({ title, flags: pick(schema, names) }))
    .filter(({ flags }) => Object.keys(flags).length > 0)
}

/** The options `names` of `schema`, in their order, without those that cannot be flags. */
export function pick(schema: OptionSchema, names: readonly string[]): OptionSchema {
  const picked: OptionSchema = {}
  for (const name of names) {
    const spec = schema[name]
    if (spec !== undefined && isFlag(spec)) picked[name] = spec
  }
  return picked
}

/** `schema` without the options `names`. */
export function omit(schema: OptionSchema, names: readonly string[]): OptionSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)))
}

/** The same options with no default: what is not given is left to the preset. */
export function withoutDefaults(schema: OptionSchema, doc: (spec: OptionSpec) => string): OptionSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([name, spec]) => [
      name,
      {
        ...spec,
        doc: doc(spec),
        ...(spec.type === 'boolean' ? {} : { default: null, optional: true }),
      } as OptionSpec,
    ]),
  )
}

/** The values given for the options of `schema`. */
export function pickValues(
  values: Readonly<Record<string, unknown>>,
  names: Iterable<string>,
): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const name of names) if (values[name] !== undefined) picked[name] = values[name]
  return picked
}

/** Headings of the options that every training run has. */
export const RUN_HEADINGS = {
  Length: ['epochs', 'maxSteps', 'batchSize', 'accumulate'],
  Optimizer: [
    'learningRate',
    'minLearningRate',
    'warmupEpochs',
    'warmupSteps',
    'weightDecay',
    'weightDecayEnd',
    'betas',
    'eps',
    'clipGradient',
    'precision',
    'optimize',
    'profile',
    'seed',
  ],
} as const

export const IMAGE_HEADINGS = {
  Images: ['scale', 'ratio', 'colorJitter', 'flipProbability', 'interpolation', 'tokenInterpolation'],
} as const

export const SAVING_HEADINGS = {
  'Saving and evaluating': ['saveEveryEpochs', 'saveEverySteps', 'keepCheckpoints', 'evaluateEveryEpochs'],
  'Following the run': ['tensorboard', 'samplesEveryEpochs'],
  'Machine and loading': ['threads', 'loaderThreads', 'prefetch', 'maxBrokenShare', 'maxPixels'],
} as const

/** Flags that stand for objects of the API. */
export const PATHS = {
  data: {
    type: 'string',
    default: null,
    doc: 'Images: a folder (sub-folders are classes, or not), a .tar shard, or a pattern of shards',
  },
  validation: {
    type: 'string',
    default: null,
    optional: true,
    doc: 'Images to evaluate on, in the same forms',
  },
  device: { type: 'string', default: 'cpu', doc: 'Where it runs: cpu, cuda or cuda:N' },
} as const satisfies OptionSchema

/** Which weights of a file that has several. */
export const PICK_FLAG: OptionSpec = {
  type: 'string',
  default: null,
  optional: true,
  doc: "Key of the weights in a PyTorch file, such as 'model_ema', or 'a.b' for a key within; unset: the likeliest",
}
