/** beit finetune: image classification, from the command line. */
import { join } from 'node:path'
import { EMA_FILE, MODEL_FILE } from '../../checkpoint/run_checkpoint.js'
import type { LabelledImages } from '../../data/labels.js'
import { BeitError } from '../../errors.js'
import { givenPreprocessing, preprocessingSchema } from '../../evaluate/preprocessing_options.js'
import { balanceTable } from '../../log/balance_table.js'
import { evaluationTable } from '../../log/evaluation_table.js'
import { percent } from '../../log/format.js'
import { METRICS_FILE, readMetrics } from '../../log/metrics_file.js'
import { print } from '../../log/printable.js'
import { beitConfigSchema } from '../../models/beit_config.js'
import { BeitForImageClassification } from '../../models/beit_for_image_classification.js'
import type { OptionSchema, OptionSpec } from '../../options.js'
import { readRecipe, recipeNames } from '../../recipes/read_recipe.js'
import type { ClassificationScores, FinetuneEvaluationEvent, FinetuneEvent } from '../../train/events.js'
import { finetune } from '../../train/finetune.js'
import { type FinetuneOptions, finetuneSchema } from '../../train/finetune_options.js'
import type { Call, Command } from '../command.js'
import { findWeights } from '../find_checkpoint.js'
import { type Ending, follow, saveCurves, shown } from '../follow.js'
import {
  groupFlags,
  omit,
  PATHS,
  PICK_FLAG,
  pick,
  pickValues,
  RUN_HEADINGS,
  SAVING_HEADINGS,
  withoutDefaults,
} from '../groups.js'
import { imageSizeFlag, imageSizeOf } from '../image_size.js'
import { LABELLED_DATA_FLAGS, openLabelledData } from '../labelled_data.js'
import { isPreset } from '../open_model.js'
import { tell, tellLoaded } from '../tell.js'

const DEFAULT_MODEL = 'beit_base_patch16_224'

/** Switches of the architecture. The classes are those of the data; the size is written in another way. */
const ARCHITECTURE = omit(beitConfigSchema, ['vocabSize', 'imageSize', 'numClasses'])

const MODEL_FLAGS: OptionSchema = {
  model: {
    type: 'string',
    default: DEFAULT_MODEL,
    doc: `A checkpoint to begin with, pre-trained or fine-tuned, whose weights are adapted to the flags given; or a preset (beit_{tiny,small,base,large}_patch16_{224,384,512}, also with _paper behind it), which trains from scratch`,
  },
  pick: PICK_FLAG,
  imageSize: imageSizeFlag("the model's"),
  ...withoutDefaults(ARCHITECTURE, ({ doc }) => `${doc}; unset: the model's`),
}

/** Those of evaluation, which are saved with the model. */
const PREPROCESSING_FLAGS: OptionSchema = {
  ...preprocessingSchema,
  normalization: {
    ...preprocessingSchema.normalization,
    doc: "Mean and deviation of the images; unset: those of the checkpoint's training or the recipe, else 0.5",
  } as OptionSpec,
}

const { labels, imagesPerClass, subsetSeed, validationLabels } = LABELLED_DATA_FLAGS

export const finetuneCommand: Command = {
  name: 'finetune',
  summary: 'Trains a classifier, from pre-trained weights or from scratch',
  usage: '--data PATH --output PATH [--model FILE] [--recipe NAME] [flags]',
  about:
    'Writes checkpoints, metrics.jsonl, report.html, curves and, of the best checkpoint, a confusion matrix (.svg, .png) into the ' +
    'output folder. Ctrl-C finishes the step, saves, and prints the command that goes on; a second Ctrl-C ends at once.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        data: PATHS.data,
        labels,
        imagesPerClass,
        subsetSeed: { ...subsetSeed, default: null, optional: true, doc: `${subsetSeed.doc}; unset: seed` },
        validation: PATHS.validation,
        validationLabels,
        ...pick(finetuneSchema, ['output', 'resume']),
        recipe: {
          type: 'string',
          default: null,
          optional: true,
          doc: `Options of a published recipe; flags and --config go before it: ${recipeNames.join(', ')}`,
        },
        device: PATHS.device,
      },
    },
    { title: 'Model', flags: { ...MODEL_FLAGS, ...PREPROCESSING_FLAGS } },
    ...groupFlags(omit(finetuneSchema, ['output', 'resume']), {
      Targets: ['loss', 'labelSmoothing'],
      ...RUN_HEADINGS,
      Optimizer: [...RUN_HEADINGS.Optimizer, 'layerDecay', 'ema'],
      'Images and augmentation': [
        'crop',
        'padding',
        'scale',
        'ratio',
        'flipProbability',
        'randAugment',
        'colorJitter',
        'erasing',
        'erasingCount',
        'mixup',
        'cutmix',
        'mixProbability',
        'mixSwitch',
        'repeats',
      ],
      ...SAVING_HEADINGS,
    }),
  ],
  examples: [
    {
      what: "the original's recipe for base on photos of one folder a class",
      line: 'beit finetune --data photos/train --validation photos/val --model beit.safetensors --recipe beit_base_pt22k_ft1k --output runs/photos --device cuda --precision bf16',
    },
    {
      what: 'the best checkpoint of a pre-training run on shards of small images',
      line:
        "beit finetune --data 'cifar/train-*.tar' --validation cifar/val-00000.tar " +
        '--model runs/tiny --epochs 20 --output runs/cifar',
    },
    {
      what: 'the same from scratch',
      line:
        "beit finetune --data 'cifar/train-*.tar' --validation cifar/val-00000.tar --model beit_tiny_patch16_224 " +
        '--image-size 32 --patch-size 4 --epochs 20 --output runs/scratch',
    },
  ],
  async run(call) {
    const values = await withRecipe(call.values)
    const { data, validation } = await openLabelledData({
      ...values,
      subsetSeed: values.subsetSeed ?? values.seed,
    })
    using model = await makeModel(values, data)
    const options: FinetuneOptions = {
      ...(pickValues(values, Object.keys(finetuneSchema)) as Partial<FinetuneOptions>),
      output: values.output as string,
      data,
      validation,
      model,
    }
    return await follow<FinetuneEvent>(
      call,
      (signal) => tellBalance(finetune({ ...options, signal })),
      results,
    )
  },
}

/** Tells, when the run begins, how its images are spread over the classes. */
async function* tellBalance(events: AsyncIterable<FinetuneEvent>): AsyncGenerator<FinetuneEvent> {
  for await (const event of events) {
    if (event.type === 'start') for (const line of balanceTable(event.classBalance, 20)) tell(line)
    yield event
  }
}

/**
 * The options given, over those of the recipe.
 * @throws BeitError ERR_INVALID_ARGUMENT for a recipe of pre-trained weights without a model
 */
async function withRecipe(values: Call['values']): Promise<Call['values']> {
  if (values.recipe == null) return values
  const { model, from, config, preprocessing, options } = await readRecipe(values.recipe as string)
  if (from === 'pretrained' && values.model == null) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `the recipe ${values.recipe} is for pre-trained weights: give them with --model FILE. To use its numbers from ` +
        `scratch, name the preset: --model ${model}`,
    )
  }
  // A named normalisation is another way to say mean and std.
  const images = values.normalization == null ? preprocessing : {}
  return { model, ...config, ...images, ...options, ...values }
}

/** A new model of a preset, or that of a checkpoint, told with what was done to it. */
async function makeModel(
  values: Call['values'],
  { classes }: LabelledImages,
): Promise<BeitForImageClassification> {
  const name = (values.model as string | undefined) ?? DEFAULT_MODEL
  const options = {
    ...pickValues(values, Object.keys(ARCHITECTURE)),
    imageSize: imageSizeOf(values),
    numClasses: classes.length,
    device: values.device as string | undefined,
    seed: values.seed as number | undefined,
  }
  const preprocessing = givenPreprocessing(pickValues(values, Object.keys(PREPROCESSING_FLAGS)))
  if (isPreset(name)) {
    tell(`${name} is a preset: its weights are random (seed ${options.seed ?? 0})`)
    return BeitForImageClassification.create(name, { ...options, labels: classes, preprocessing })
  }
  const path = await findWeights(name)
  const model = await BeitForImageClassification.load(path, {
    ...options,
    pick: (values.pick as string | null | undefined) ?? undefined,
    labels: classes,
    preprocessing,
  })
  tellLoaded(model)
  return model
}

async function results({ done, output }: Ending<FinetuneEvent>): Promise<[string, string][]> {
  const rows: [string, string][] = [
    ['training', `loss ${done.loss.toFixed(3)}, accuracy ${percent(done.accuracy)}`],
  ]
  const evaluations = (await readMetrics(join(output, METRICS_FILE))).filter(
    (event): event is FinetuneEvaluationEvent => event.type === 'evaluation' && 'ema' in event,
  )
  const best = evaluations.findLast(({ step }) => step === done.best?.step)
  if (best !== undefined && done.best !== null) rows.push(...(await bestRows(best, done.best, output)))
  return [...rows, await saveCurves(output)]
}

/** What the best checkpoint scored, which is printed as `beit evaluate` does, and where it is. */
async function bestRows(
  evaluation: FinetuneEvaluationEvent,
  { step, checkpoint }: NonNullable<Ending<FinetuneEvent>['done']['best']>,
  output: string,
): Promise<[string, string][]> {
  const { ema, images } = evaluation
  const scores = ema ?? evaluation
  print([...evaluationTable({ ...scores, images }), ''])
  const file = join(checkpoint, ema === null ? MODEL_FILE : EMA_FILE)
  const top5 = scores.perClass.length > 5 ? `, top-5 ${percent(scores.accuracy5)}` : ''
  const text = `accuracy ${percent(scores.accuracy)}${top5}, loss ${scores.loss.toFixed(3)}`
  return [
    ['validation', `${text}, after step ${step}${ema === null ? '' : ', averaged weights'}`],
    ['best', shown(file)],
    ...(scores.multiLabel === null ? [await saveConfusion(scores, output)] : []),
  ]
}

/** Draws confusion.svg and confusion.png of a run folder. */
async function saveConfusion(scores: ClassificationScores, output: string): Promise<[string, string]> {
  // Drawing needs sharp, which takes a moment to load: not at the start of every command.
  const { drawConfusion } = await import('../../visualize/confusion_matrix.js')
  const picture = await drawConfusion(scores)
  await picture.save(join(output, 'confusion.svg'))
  await picture.save(join(output, 'confusion.png'))
  return ['confusion', `${shown(join(output, 'confusion.png'))}, .svg`]
}
