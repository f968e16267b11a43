/** beit features: the features of images, as a file. */
import { labelled } from '../../data/labels.js'
import { openImages } from '../../data/open_images.js'
import { invalidArgument } from '../../errors.js'
import { extractFeatures } from '../../evaluate/features/extract_features.js'
import {
  type ExtractedFeatures,
  type FeatureOptions,
  type FeatureProgress,
  featureSchema,
} from '../../evaluate/features/feature_options.js'
import { preprocessingSchema } from '../../evaluate/preprocessing_options.js'
import { duration, grouped } from '../../log/format.js'
import { print } from '../../log/printable.js'
import { columns } from '../../log/table.js'
import type { OptionSpec } from '../../options.js'
import { type Command, EXIT } from '../command.js'
import { shown } from '../follow.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { Interrupt } from '../interrupt.js'
import { LABELLED_DATA_FLAGS } from '../labelled_data.js'
import { FROZEN_MODEL_FLAGS, openFrozenModel } from '../open_model.js'
import { FORCE_FLAG, prepareOutput } from '../output_file.js'
import { StatusLine } from '../status_line.js'
import { tellLeftOut } from '../tell.js'

const BLOCKS_FLAG: OptionSpec = {
  type: 'string',
  default: 'all',
  doc: "Blocks after which features are taken: 'all', 'head' for what follows the last, or numbers from 0 on, as 3,7,11",
}

const OUTPUT = ['output', 'format', 'dtype'] as const
const FEATURES = ['pooling', ...Object.keys(preprocessingSchema)]

export const featuresCommand: Command = {
  name: 'features',
  summary: 'Writes the features of images to a file',
  usage: '--model FILE --data PATH --output FILE [flags]',
  about:
    'A .safetensors file has a tensor for each block, the labels, and in its metadata the names of the images and of the ' +
    'classes; a .parquet file has the same as columns; a .jsonl file has a line for each image. The shorter side of an ' +
    'image is resized and the middle cropped. Images that cannot be read are left out and named.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        data: PATHS.data,
        labels: LABELLED_DATA_FLAGS.labels,
        ...pick(featureSchema, OUTPUT),
        force: FORCE_FLAG,
        device: PATHS.device,
      },
    },
    { title: 'Model', flags: FROZEN_MODEL_FLAGS },
    {
      title: 'Features',
      flags: {
        blocks: BLOCKS_FLAG,
        ...pick(featureSchema, FEATURES),
      },
    },
    {
      title: 'Machine and loading',
      flags: omit(pick(featureSchema, Object.keys(featureSchema)), [...OUTPUT, ...FEATURES]),
    },
  ],
  examples: [
    {
      what: 'the mean of the patches after every block',
      line: 'beit features --model runs/base --data photos/ --output features.safetensors',
    },
    {
      what: 'what the head of a classifier sees, for a table',
      line: 'beit features --model classifier.safetensors --data photos/ --blocks head --output features.parquet',
    },
  ],
  async run(call) {
    const { values } = call
    await prepareOutput(values)
    const source = await openImages(values.data as string)
    const labels = values.labels as string | null | undefined
    const data = labels == null ? source : await labelled(source, { labels })
    using interrupt = new Interrupt('stopping; Ctrl-C again ends at once')
    using model = await openFrozenModel(call)
    using status = new StatusLine(
      ({ images, of }: FeatureProgress) => `features of images ${grouped(images)}/${grouped(of)}`,
    )
    try {
      const result = await extractFeatures({
        ...(pickValues(
          values,
          Object.keys(omit(featureSchema, ['model', 'data'])),
        ) as Partial<FeatureOptions>),
        model,
        data,
        output: values.output as string,
        blocks: blocksOf(values.blocks as string | undefined),
        signal: interrupt.signal,
        onProgress: status.update,
      })
      status.clear()
      tell(result)
      return EXIT.ok
    } catch (error) {
      if (interrupt.signal.aborted && error === interrupt.signal.reason) return interrupt.code
      throw error
    }
  },
}

/** 'all', 'head', or the numbers of '3,7,11'. @throws BeitError ERR_INVALID_ARGUMENT */
function blocksOf(text = 'all'): FeatureOptions['blocks'] {
  if (text === 'all' || text === 'head') return text
  const numbers = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN))
  if (numbers.some(Number.isNaN)) {
    throw invalidArgument('--blocks', "'all', 'head' or numbers of blocks with commas between them", text)
  }
  return numbers
}

function tell({ output, images, names, shape, dtype, broken, seconds }: ExtractedFeatures): void {
  tellLeftOut(broken)
  print(
    columns([
      ['images', `${grouped(images)} in ${duration(seconds)}`],
      ['features', `${names.join(', ')}: ${dtype} [${shape.join(', ')}] an image`],
      ['written', shown(output)],
    ]),
  )
}
