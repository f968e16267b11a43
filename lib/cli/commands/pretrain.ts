/** beit pretrain: masked image modelling, from the command line. */
import { join } from 'node:path'
import { openImages } from '../../data/open_images.js'
import { percent } from '../../log/format.js'
import { beitConfigSchema } from '../../models/beit_config.js'
import { BeitForMaskedImageModeling } from '../../models/beit_for_masked_image_modeling.js'
import type { OptionSchema } from '../../options.js'
import type { PretrainEvent } from '../../train/events.js'
import { pretrain } from '../../train/pretrain.js'
import { type PretrainOptions, pretrainSchema } from '../../train/pretrain_options.js'
import type { Call, Command } from '../command.js'
import { findWeights } from '../find_checkpoint.js'
import { type Ending, follow, saveCurves, shown } from '../follow.js'
import {
  groupFlags,
  IMAGE_HEADINGS,
  omit,
  PATHS,
  pick,
  pickValues,
  RUN_HEADINGS,
  SAVING_HEADINGS,
  withoutDefaults,
} from '../groups.js'
import { imageSizeFlag, imageSizeOf } from '../image_size.js'
import { isPreset } from '../open_model.js'
import { DECODER_FLAG, openTokenizer, TOKENIZER_FLAG } from '../open_tokenizer.js'
import { SAMPLES_FLAG, samplesEveryEpochs } from '../samples_flag.js'
import { tellLoaded } from '../tell.js'

const DEFAULT_MODEL = 'beit_base_patch16_224'

/**
 * Switches of the architecture. The vocabulary is the tokenizer's, classes are fine-tuning's; the size is
 * written in another way.
 */
const ARCHITECTURE = omit(beitConfigSchema, ['vocabSize', 'imageSize', 'numClasses', 'pooling'])

const MODEL_FLAGS: OptionSchema = {
  model: {
    type: 'string',
    default: DEFAULT_MODEL,
    doc: `A preset (beit_{tiny,small,base,large}_patch16_{224,384,512}, also with _paper behind it), or a checkpoint to begin with, whose weights are adapted to the flags given`,
  },
  imageSize: imageSizeFlag("the preset's"),
  ...withoutDefaults(ARCHITECTURE, ({ doc }) => `${doc}; unset: the preset's`),
}

export const pretrainCommand: Command = {
  name: 'pretrain',
  summary: 'Pre-trains BEiT by masked image modelling',
  usage: '--data PATH --tokenizer FILE --output PATH [flags]',
  about:
    'Writes checkpoints, metrics.jsonl, report.html, curves (.svg, .png) and sheets of samples into the output folder. Ctrl-C ' +
    'finishes the step, saves, and prints the command that goes on; a second Ctrl-C ends at once.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        data: PATHS.data,
        validation: PATHS.validation,
        tokenizer: TOKENIZER_FLAG,
        decoder: DECODER_FLAG,
        ...pick(pretrainSchema, ['output', 'resume']),
        device: PATHS.device,
      },
    },
    { title: 'Model', flags: MODEL_FLAGS },
    ...groupFlags(
      { ...omit(pretrainSchema, ['output', 'resume']), ...SAMPLES_FLAG },
      {
        ...RUN_HEADINGS,
        Masking: [
          'maskMode',
          'maskPatches',
          'minMaskPatchesPerBlock',
          'maxMaskPatchesPerBlock',
          'minMaskAspect',
        ],
        ...IMAGE_HEADINGS,
        Normalisation: ['normalization', 'mean', 'std'],
        ...SAVING_HEADINGS,
        'Machine and loading': [...SAVING_HEADINGS['Machine and loading'], 'cudaGraphs'],
      },
    ),
  ],
  examples: [
    {
      what: 'the original recipe for base on a GPU',
      line: 'beit pretrain --data photos/ --tokenizer dalle.safetensors --output runs/base --device cuda --precision bf16',
    },
    {
      what: 'a tiny model on shards of small images, with validation',
      line:
        "beit pretrain --data 'cifar/train-*.tar' --validation cifar/val-00000.tar --tokenizer runs/tok/tokenizer.safetensors " +
        '--output runs/tiny --model beit_tiny_patch16_224 --image-size 32 --patch-size 4 --epochs 20',
    },
    {
      what: 'options from a file, one of them changed, going on where it was stopped',
      line: 'beit pretrain --config recipe.json --seed 1 --resume auto',
    },
  ],
  async run(call) {
    const { values } = call
    const device = values.device as string | undefined
    const data = await openImages(values.data as string)
    const validation = values.validation == null ? null : await openImages(values.validation as string)
    using tokenizer = await openTokenizer(values, device)
    using model = await makeModel(values, tokenizer.vocabSize, device)
    const options: PretrainOptions = {
      ...(pickValues(values, Object.keys(pretrainSchema)) as Partial<PretrainOptions>),
      output: values.output as string,
      data,
      validation,
      model,
      tokenizer,
      // Without a decoder there is nothing to draw, and who asks for it all the same is told so.
      samplesEveryEpochs:
        tokenizer.hasDecoder || values.samplesEveryEpochs != null
          ? samplesEveryEpochs(values, pretrainSchema)
          : null,
    }
    return await follow<PretrainEvent>(
      call,
      (signal) => pretrain({ ...options, signal }),
      (ending) => results(ending, options),
    )
  },
}

/** A new model of a preset, or that of a checkpoint, told with what was done to it. */
async function makeModel(
  values: Call['values'],
  vocabSize: number,
  device: string | undefined,
): Promise<BeitForMaskedImageModeling> {
  const name = (values.model as string | undefined) ?? DEFAULT_MODEL
  const overrides = pickValues(
    values,
    Object.keys(MODEL_FLAGS).filter((flag) => flag !== 'model'),
  )
  const config = {
    ...overrides,
    imageSize: imageSizeOf(values),
    vocabSize,
    device,
    seed: values.seed as number,
  }
  if (isPreset(name)) return BeitForMaskedImageModeling.create(name, config)
  const model = await BeitForMaskedImageModeling.load(await findWeights(name), config)
  tellLoaded(model)
  return model
}

async function results(
  { done, evaluation, output }: Ending<PretrainEvent>,
  options: PretrainOptions,
): Promise<[string, string][]> {
  const rows: [string, string][] = [
    ['training', `loss ${done.loss.toFixed(3)}, accuracy ${percent(done.accuracy)}`],
  ]
  if (evaluation !== null) {
    rows.push([
      'validation',
      `loss ${evaluation.loss.toFixed(3)}, accuracy ${percent(evaluation.accuracy)}; ` +
        `always the most frequent token: ${percent(evaluation.baselineAccuracy)}`,
    ])
  }
  rows.push(await saveCurves(output))
  const { tokenizer } = options
  if (!tokenizer.hasDecoder) {
    rows.push(['samples', 'none: the tokenizer has no decoder; give it with --decoder FILE'])
  } else {
    const { sampleSheet } = await import('../../visualize/sample_sheet.js')
    const sheet = await sampleSheet(options)
    await sheet.save(join(output, 'samples.png'))
    rows.push(['samples', shown(join(output, 'samples.png'))])
  }
  return rows
}
