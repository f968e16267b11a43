/**
 * Fine-tuning of a classifier (arXiv 2106.08254, section 2.6), from pre-trained weights or from none. This file
 * says what is trained on what; the loop is training_run.ts, one step is
 * native/train/image_classification_step.cc.
 */
import { EMA_FILE } from '../checkpoint/run_checkpoint.js'
import { balanceWarnings, classBalance } from '../data/class_balance.js'
import { labelled } from '../data/labels.js'
import { ImageClassification } from '../objectives/image_classification.js'
import { validateOptions } from '../options.js'
import { checkClasses } from './check_classes.js'
import { classificationBatches } from './classification_batches.js'
import { classificationEvaluation } from './classification_evaluation.js'
import { classificationViews } from './classification_views.js'
import type { FinetuneEvent } from './events.js'
import {
  defaultLayerDecay,
  type FinetuneOptions,
  type FinetuneSettings,
  finetuneSchema,
} from './finetune_options.js'
import { optimizerSchedules } from './optimizer_schedules.js'
import { runConfig } from './run_config.js'
import { runLength } from './run_length.js'
import { runTraining } from './training_run.js'

/**
 * Trains `model` to tell the classes of `data`. With a pre-trained model this is fine-tuning, with a new one
 * training from scratch, with a larger set of classes intermediate fine-tuning. The layer decay is 0.65 for a
 * model that was loaded and none for a new one, unless `layerDecay` says otherwise (null: none). Everything is
 * checked before the run begins: labels, classes, and that the model has an output for each. A model without
 * `labels` gets those of the data then, and its `multiLabel` becomes what the loss says; one whose run is refused
 * stays as it was. `break` ends the run without saving; an aborted `signal` finishes the step, saves and yields
 * 'done'.
 *
 * @throws BeitError as {@link pretrain}; ERR_DATA too for labels that are missing or out of range, for class
 * folders without images (a class that is named elsewhere and has none is warned of), for other class names than
 * the model's and for weights of an image that do not sum to 1 with cross-entropy; ERR_SHAPE_MISMATCH when the
 * model has another number of classes
 * @example
 * const data = await labelled(await ImageFolder.open('photos/train'))
 * const validation = await labelled(await ImageFolder.open('photos/val'), { classes: data.classes })
 * const model = await BeitForImageClassification.load('beit.safetensors', { numClasses: data.classes.length })
 * for await (const event of finetune({ model, data, validation, epochs: 100, output: 'runs/photos' })) {
 *   if (event.type === 'evaluation') console.log(event.epoch, event.accuracy)
 *   if (event.type === 'done') console.log(event.best)
 * }
 */
export async function* finetune(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  // validate
  const given = validateOptions<FinetuneSettings>('finetune', finetuneSchema, options)
  const { model } = given
  const data = await labelled(given.data)
  const validation = given.validation && (await labelled(given.validation, { classes: data.classes }))
  const { layerDecay = defaultLayerDecay(model) } = options
  const settings = { ...given, data, validation, layerDecay }
  await checkClasses(settings, data, validation)

  // interpret
  const length = runLength(data.length, settings)
  const schedules = optimizerSchedules(settings, length)
  const balance = await classBalance(data)
  const views = classificationViews(settings)
  const { preprocessing } = model
  const config = runConfig(settings, finetuneSchema, { model: model.config, preprocessing })
  const ema = settings.ema === null ? null : await model.to({})
  const objective = new ImageClassification({
    model,
    loss: settings.loss,
    labelSmoothing: settings.labelSmoothing,
    layerDecay: settings.layerDecay,
    ema: ema && { model: ema, decay: settings.ema as number },
  })

  // loop
  try {
    yield* runTraining({
      kind: 'finetune',
      objective,
      module: model,
      furtherModules: ema === null ? {} : { [EMA_FILE]: ema },
      settings,
      length,
      config,
      views,
      repeats: settings.repeats,
      microBatch: classificationBatches(settings, data),
      stepSettings: schedules,
      onBegin: () => {
        for (const each of ema === null ? [model] : [model, ema]) {
          each.labels ??= data.classes
          each.multiLabel = settings.loss === 'binary-cross-entropy'
        }
      },
      describe: {
        start: () => ({ classBalance: balance }),
        step: (result) => objective.metrics(result),
        epoch: (result) => objective.metrics(result),
      },
      evaluate: classificationEvaluation(settings, ema),
      report: null,
      samples: null,
      warnings: balanceWarnings(balance),
    })
  } finally {
    ema?.dispose()
  }
}
