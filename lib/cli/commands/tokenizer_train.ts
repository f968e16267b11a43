/** beit tokenizer train: a discrete VAE on one's own images. */
import { join } from 'node:path'
import { openImages } from '../../data/open_images.js'
import { percent } from '../../log/format.js'
import { convDiscreteVaeSchema } from '../../tokenizers/conv_config.js'
import { ConvDiscreteVae } from '../../tokenizers/conv_discrete_vae.js'
import type { TokenizerEvent } from '../../train/events.js'
import { type TokenizerOptions, tokenizerSchema } from '../../train/tokenizer_options.js'
import { trainTokenizer } from '../../train/train_tokenizer.js'
import type { Command } from '../command.js'
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
} from '../groups.js'
import { imageSizeFlag, imageSizeOf } from '../image_size.js'
import { TOKENIZER_FILE } from '../open_tokenizer.js'
import { SAMPLES_FLAG, samplesEveryEpochs } from '../samples_flag.js'

/** Switches of the network; the size is written in another way. */
const ARCHITECTURE = omit(convDiscreteVaeSchema, ['imageSize'])

export const tokenizerTrainCommand: Command = {
  name: 'tokenizer train',
  summary: 'Trains a convolutional discrete VAE as tokenizer',
  usage: '--data PATH --output PATH [flags]',
  about:
    'Writes tokenizer.safetensors, checkpoints, metrics.jsonl, report.html, curves (.svg, .png), reconstructions.png and ' +
    'codebook (.svg, .png) into the output folder. Ctrl-C finishes the step, saves, and prints the command that goes on.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        data: PATHS.data,
        validation: PATHS.validation,
        ...pick(tokenizerSchema, ['output', 'resume']),
        imageSize: imageSizeFlag('112'),
        device: PATHS.device,
      },
    },
    { title: 'Network', flags: ARCHITECTURE },
    ...groupFlags(
      { ...omit(tokenizerSchema, ['output', 'resume']), ...SAMPLES_FLAG },
      {
        Loss: [
          'reconstruction',
          'straightThrough',
          'temperature',
          'temperatureEnd',
          'temperatureSteps',
          'temperatureRate',
          'klWeight',
          'klWarmupSteps',
        ],
        ...RUN_HEADINGS,
        ...IMAGE_HEADINGS,
        ...SAVING_HEADINGS,
      },
    ),
  ],
  examples: [
    {
      what: 'a small tokenizer for images of 32 pixels, 8x8 tokens each',
      line:
        "beit tokenizer train --data 'cifar/train-*.tar' --output runs/tok --image-size 32 --layers 2 --vocab-size 512 " +
        '--codebook-dim 128 --hidden-size 64 --epochs 10',
    },
    {
      what: 'for a base model at 224 pixels: 112-pixel images of 14x14 tokens',
      line: 'beit tokenizer train --data photos/ --output runs/tok --image-size 112 --device cuda --precision bf16',
    },
  ],
  async run(call) {
    const { values } = call
    const data = await openImages(values.data as string)
    const validation = values.validation == null ? null : await openImages(values.validation as string)
    using model = await ConvDiscreteVae.create({
      // The logit-Laplace loss needs a scale for each value of the picture.
      ...(values.reconstruction === 'logit-laplace' ? { outputChannels: 6 } : {}),
      ...pickValues(values, Object.keys(ARCHITECTURE)),
      imageSize: imageSizeOf(values),
      device: values.device as string | undefined,
      seed: values.seed as number | undefined,
    })
    const options: TokenizerOptions = {
      ...(pickValues(values, Object.keys(tokenizerSchema)) as Partial<TokenizerOptions>),
      output: values.output as string,
      data,
      validation,
      model,
      samplesEveryEpochs: samplesEveryEpochs(values, tokenizerSchema),
    }
    return await follow<TokenizerEvent>(
      call,
      (signal) => trainTokenizer({ ...options, signal }),
      (ending) => results(ending, options, model),
    )
  },
}

async function results(
  { done, evaluation, output }: Ending<TokenizerEvent>,
  { data, validation }: TokenizerOptions,
  tokenizer: ConvDiscreteVae,
): Promise<[string, string][]> {
  const { codebookUse, drawCodebook } = await import('../../visualize/codebook_grid.js')
  const { countCodes, reconstructionSheet } = await import('../../visualize/tokenizer_sheets.js')
  const { imageSize } = tokenizer.config
  await tokenizer.save(join(output, TOKENIZER_FILE))
  const curves = await saveCurves(output)
  const seen = validation ?? data
  const sheet = await reconstructionSheet({ tokenizer, data: seen, imageSize })
  await sheet.save(join(output, 'reconstructions.png'))
  const counts = await countCodes({ tokenizer, data: seen, imageSize })
  const codebook = await drawCodebook(counts)
  await codebook.save(join(output, 'codebook.svg'))
  await codebook.save(join(output, 'codebook.png'))
  const { used, perplexity } = codebookUse(counts)
  const rows: [string, string][] = [['training', `reconstruction loss ${done.reconstruction.toFixed(4)}`]]
  if (evaluation !== null)
    rows.push(['validation', `reconstruction loss ${evaluation.reconstruction.toFixed(4)}`])
  return [
    ...rows,
    [
      'codes',
      `${used} of ${counts.length} used, perplexity ${perplexity.toFixed(1)} (${percent(perplexity / counts.length)} of the codebook)`,
    ],
    ['tokenizer', shown(join(output, TOKENIZER_FILE))],
    curves,
    ['images', shown(join(output, 'reconstructions.png'))],
    ['codebook', `${shown(join(output, 'codebook.png'))}, .svg`],
  ]
}
