/** beit probe: what the features of a frozen model are worth, by linear classifiers or nearest neighbours. */
import { basename } from 'node:path'
import type { LabelledImages } from '../../data/labels.js'
import { scope } from '../../dispose.js'
import { BeitError, invalidArgument } from '../../errors.js'
import { bothProbes } from '../../evaluate/both_probes.js'
import { type KnnProbeResult, knnProbe } from '../../evaluate/knn_probe.js'
import { type LinearProbeResult, linearProbe } from '../../evaluate/linear_probe.js'
import { preprocessingSchema } from '../../evaluate/preprocessing_options.js'
import { knnProbeSchema, linearProbeSchema } from '../../evaluate/probe_options.js'
import { counted, decimal, grouped, percent } from '../../log/format.js'
import { print, printJson } from '../../log/printable.js'
import { columns, indented } from '../../log/table.js'
import type { OptionSchema } from '../../options.js'
import { probeChart } from '../../visualize/probe_chart.js'
import { type Call, type Command, EXIT, kebab } from '../command.js'
import { shown } from '../follow.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { Interrupt } from '../interrupt.js'
import { LABELLED_DATA_FLAGS, openLabelledData } from '../labelled_data.js'
import { FROZEN_MODEL_FLAGS, openFrozenModel } from '../open_model.js'
import { prepareOutputs, writeJson } from '../output_file.js'
import { inWords } from '../probe_status.js'
import { StatusLine } from '../status_line.js'
import { tellLeftOut } from '../tell.js'

const LINEAR_ONLY = [
  'epochs',
  'learningRate',
  'weightDecay',
  'betas',
  'eps',
  'augment',
  'scale',
  'ratio',
  'flipProbability',
] as const
const KNN_ONLY = ['neighbours', 'temperature'] as const
const COMMON = ['blocks', 'batchSize', 'precision', ...Object.keys(preprocessingSchema)]

const POOLING: OptionSchema = {
  pooling: {
    type: 'choice',
    choices: ['cls', 'mean', 'concat'],
    default: null,
    optional: true,
    doc: "What stands for an image: the class token, the mean of its patches, or both; unset: 'concat' with --linear, 'mean' with --knn",
  },
}

export const probeCommand: Command = {
  name: 'probe',
  summary: "Measures a frozen model's features, by linear classifiers or nearest neighbours",
  usage: '--linear --knn --model PATH --data PATH --validation PATH [flags]',
  about:
    'Learns from the labelled images of --data and classifies those of --validation, with the features of each block; ' +
    'the model stays as it is. --linear trains a linear classifier for every block at once, --knn lets the nearest ' +
    'images vote; with both, features are computed once. The last block is not always the best: the paper found the ninth of base.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        linear: { type: 'boolean', default: false, doc: 'Train linear classifiers' },
        knn: { type: 'boolean', default: false, doc: 'Let the nearest neighbours vote' },
        ...LABELLED_DATA_FLAGS,
        validation: { type: 'string', default: null, doc: 'Labelled images to classify, in the same forms' },
        output: { type: 'string', default: null, optional: true, doc: 'Write the result there, as JSON' },
        picture: {
          type: 'string',
          default: null,
          optional: true,
          doc: 'Draw the accuracy of every block there, as .svg or .png',
        },
        json: { type: 'boolean', default: false, doc: 'Print the result as JSON' },
        device: PATHS.device,
      },
    },
    { title: 'Model', flags: FROZEN_MODEL_FLAGS },
    { title: 'Features', flags: { ...pick(linearProbeSchema, COMMON), ...POOLING } },
    { title: 'With --linear', flags: pick(linearProbeSchema, [...LINEAR_ONLY, 'seed']) },
    { title: 'With --knn', flags: pick(knnProbeSchema, KNN_ONLY) },
    {
      title: 'Machine and loading',
      flags: pick(linearProbeSchema, [
        'featureFile',
        'threads',
        'loaderThreads',
        'prefetch',
        'maxBrokenShare',
        'maxPixels',
      ]),
    },
  ],
  examples: [
    {
      what: 'which block of a pre-trained model knows most of classes',
      line: 'beit probe --linear --model runs/first --data train/ --validation val/',
    },
    {
      what: 'the same by the votes of 10 and of 20 neighbours',
      line: 'beit probe --knn --neighbours 10,20 --model beit.safetensors --data train/ --validation val/',
    },
    {
      what: 'both, with 200 labels a class, for the random weights of a preset, to compare',
      line:
        'beit probe --linear --knn --model beit_tiny_patch16_224 --image-size 32 --patch-size 4 ' +
        "--data 'cifar/train-*.tar' --images-per-class 200 --validation cifar/val-00000.tar",
    },
  ],
  async run(call) {
    const kinds = kindsOf(call)
    const { values } = call
    const picture = values.picture as string | null | undefined
    if (picture != null && !/\.(svg|png)$/i.test(picture)) {
      throw invalidArgument('--picture', 'a path that ends in .svg or .png', picture)
    }
    await prepareOutputs({ '--output': values.output, '--picture': picture })
    const { data, validation } = await openLabelledData(values)
    using interrupt = new Interrupt('stopping; Ctrl-C again ends at once')
    using model = await openFrozenModel(call, values.seed as number | undefined)
    using status = new StatusLine(inWords)
    const optionsOf = (schema: OptionSchema) => ({
      ...withoutNulls(pickValues(values, Object.keys(omit(schema, ['model', 'data', 'validation'])))),
      ...{ model, data, validation: validation as LabelledImages, signal: interrupt.signal },
      onProgress: status.update,
    })
    const [linear, knn] = [optionsOf(linearProbeSchema), optionsOf(knnProbeSchema)]
    try {
      return await scope(async () => {
        const results: Results =
          kinds.length === 2
            ? await bothProbes(linear, knn)
            : kinds[0] === 'linear'
              ? { linear: await linearProbe(linear) }
              : { knn: await knnProbe(knn) }
        status.clear()
        await tell(call, results)
        return EXIT.ok
      })
    } catch (error) {
      if (interrupt.signal.aborted && error === interrupt.signal.reason) return interrupt.code
      throw error
    }
  },
}

interface Results {
  linear?: LinearProbeResult
  knn?: KnnProbeResult
}

function kindsOf({ values }: Call): ('linear' | 'knn')[] {
  const kinds = (['linear', 'knn'] as const).filter((kind) => values[kind] === true)
  if (kinds.length === 0) {
    throw new BeitError('ERR_INVALID_ARGUMENT', 'beit probe: give --linear, --knn, or both')
  }
  const own = { linear: LINEAR_ONLY, knn: KNN_ONLY } as const
  for (const other of ['linear', 'knn'] as const) {
    const stray = kinds.includes(other) ? undefined : own[other].find((name) => values[name] !== undefined)
    if (stray !== undefined) {
      throw new BeitError('ERR_INVALID_ARGUMENT', `beit probe: --${kebab(stray)} is a flag of --${other}`)
    }
  }
  return kinds
}

/** --pooling is unset by null, which is no pooling. */
const withoutNulls = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).filter(([name, value]) => name !== 'pooling' || value !== null))

/** Prints the results, and writes them where they are wanted. */
async function tell({ values }: Call, results: Results): Promise<void> {
  const { linear, knn } = results
  const any = (linear ?? knn) as LinearProbeResult | KnnProbeResult
  tellLeftOut(any.broken)
  const plain = { ...(linear && { linear: withoutTensors(linear) }), ...(knn && { knn }) }
  if (values.json === true) printJson(plain)
  else {
    if (linear) print(['linear classifiers', ...indented(linearTable(linear)), ''])
    if (knn) print(['nearest neighbours', ...indented(knnTable(knn)), ''])
    print([summary(any)])
  }
  const told: string[] = []
  if (values.output != null) {
    await writeJson('--output', values.output as string, plain)
    told.push(`result: ${shown(values.output as string)}`)
  }
  if (values.picture != null) {
    const name = basename(values.model as string)
    await (await probeChart([{ name, results: [results] }])).save(values.picture as string)
    told.push(`picture: ${shown(values.picture as string)}`)
  }
  if (values.json !== true && told.length > 0) print(told)
}

function withoutTensors({ weights: _tensors, ...plain }: LinearProbeResult): object {
  return plain
}

function summary({ images, classes }: LinearProbeResult | KnnProbeResult): string {
  return (
    `${counted(images.training, 'image')} to learn from, ${counted(images.validation, 'image')} classified, ` +
    `${grouped(classes.length)} classes`
  )
}

function linearTable({ layers, epochs, best }: LinearProbeResult): string[] {
  const training = epochs.at(-1)?.training ?? []
  const rows = layers.map(({ block, loss, accuracy }, i) => [
    String(block),
    percent(accuracy),
    decimal(loss),
    percent(training[i]?.accuracy ?? Number.NaN),
    block === best.block ? 'best' : '',
  ])
  return columns([['block', 'accuracy', 'loss', 'on training images', ''], ...rows], [0, 1, 2, 3])
}

function knnTable({ scores, best }: KnnProbeResult): string[] {
  const counts = [...new Set(scores.map(({ neighbours }) => neighbours))]
  const blocks = [...new Set(scores.map(({ block }) => block))]
  const cell = (block: number, neighbours: number) =>
    percent(scores.find((score) => score.block === block && score.neighbours === neighbours)?.accuracy ?? 0)
  const rows = blocks.map((block) => [
    String(block),
    ...counts.map((neighbours) => cell(block, neighbours)),
    block === best.block ? `best, ${best.neighbours} neighbours` : '',
  ])
  return columns(
    [['block', ...counts.map((count) => `k ${count}`), ''], ...rows],
    [0, ...counts.map((_, i) => i + 1)],
  )
}
