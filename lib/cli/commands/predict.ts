/** beit predict: the likeliest classes of images. */
import { native } from '../../binding.js'
import { batchesInOrder } from '../../data/batches.js'
import { preprocessedViews } from '../../data/preprocessed_views.js'
import { percent } from '../../log/format.js'
import { print, printJsonLines } from '../../log/printable.js'
import {
  checkFinite,
  type Prediction,
  type PredictSettings,
  predictionScoring,
  predictionsOf,
  predictSchema,
} from '../../models/predict.js'
import { validateOptions } from '../../options.js'
import { pretrainSchema } from '../../train/pretrain_options.js'
import { type Command, EXIT } from '../command.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { Interrupt } from '../interrupt.js'
import { CLASSIFIER_FLAGS, openClassifier } from '../open_classifier.js'
import { openImageOrImages } from '../open_image_or_images.js'
import { tellLeftOut } from '../tell.js'

export const predictCommand: Command = {
  name: 'predict',
  summary: 'Tells the likeliest classes of images',
  usage: '--model PATH --data PATH [flags]',
  about:
    'A line for each image: its name, then its likeliest classes with their probabilities. With --json a line is ' +
    '{"key": NAME, "predictions": [{"label": CLASS, "classId": N, "probability": P}, ...]}. Images are resized, ' +
    'cropped and normalised as the model was trained to see them. Those that cannot be read are left out and named ' +
    'at the end, and the exit code is 1 then.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        ...CLASSIFIER_FLAGS,
        data: { ...PATHS.data, doc: 'Images: a file, a folder, a .tar shard, or a pattern of shards' },
        ...pick(predictSchema, ['topK', 'multiLabel']),
        json: { type: 'boolean', default: false, doc: 'Print lines of JSON' },
        device: PATHS.device,
      },
    },
    {
      title: 'Machine and loading',
      flags: {
        ...omit(pick(predictSchema, Object.keys(predictSchema)), ['topK', 'multiLabel']),
        ...pick(pretrainSchema, ['loaderThreads']),
      },
    },
  ],
  examples: [
    { what: 'what is on a picture', line: 'beit predict --model runs/photos --data hen.jpg' },
    {
      what: 'the one likeliest class of every image of a folder, for a program',
      line: 'beit predict --model runs/photos --data new/ --top-k 1 --json',
    },
  ],
  async run({ values }) {
    const given = pickValues(values, Object.keys(predictSchema))
    const settings = validateOptions<PredictSettings>('predict', predictSchema, given)
    using interrupt = new Interrupt('stopping; Ctrl-C again ends at once')
    using model = await openClassifier(values)
    const source = await openImageOrImages(values.data as string)
    const multiLabel = (values.multiLabel as boolean | undefined) ?? model.multiLabel
    const scoring = predictionScoring(model, { ...settings, multiLabel })
    const views = preprocessedViews(model.config.imageSize, model.preprocessing, settings.maxPixels)
    const stream = batchesInOrder(source, views, {
      batchSize: settings.batchSize,
      loaderThreads: values.loaderThreads as number | null | undefined,
      maxBrokenShare: 1,
      signal: interrupt.signal,
    })
    try {
      for await (const batch of stream) {
        using held = batch
        const scores = await native().classifierScores(model.handle, held.pixels.handle, null, scoring)
        const keyOf = (row: number) => source.sample(held.indices[row] as number).key
        checkFinite(scores, keyOf, scoring)
        const images = predictionsOf(scores, model.labels).map((predictions, row) => {
          return { key: keyOf(row), predictions }
        })
        if (values.json === true) printJsonLines(images)
        else print(images.map(inWords))
      }
      return stream.broken.length === 0 ? EXIT.ok : EXIT.error
    } catch (error) {
      if (interrupt.signal.aborted && error === interrupt.signal.reason) return interrupt.code
      throw error
    } finally {
      // Of a command that fails, too: they may be why.
      tellLeftOut(stream.broken)
    }
  },
}

const inWords = ({ key, predictions }: { key: string; predictions: readonly Prediction[] }) =>
  [key, ...predictions.map(({ label, probability }) => `${label} ${percent(probability)}`)].join('  ')
