/**
 * BEiT pre-training (arXiv 2106.08254): masked image modelling on images without labels. This file says what
 * is trained on what; the loop is training_run.ts, one step is native/train/masked_image_modeling_step.cc.
 */
import { type MaskSettings, maskSettings } from '../data/masks.js'
import { normalizationOf } from '../data/normalization.js'
import { evaluationViews, trainingViews } from '../data/view_settings.js'
import { BeitError } from '../errors.js'
import { MaskedImageModeling } from '../objectives/masked_image_modeling.js'
import { mostFrequentShare } from '../objectives/token_statistics.js'
import { validateOptions } from '../options.js'
import { objectiveEvaluation } from './evaluation.js'
import type { PretrainEvent } from './events.js'
import { optimizerSchedules } from './optimizer_schedules.js'
import { type PretrainOptions, type PretrainSettings, pretrainSchema } from './pretrain_options.js'
import { runConfig } from './run_config.js'
import { runLength } from './run_length.js'
import type { Samples } from './training.js'
import { runTraining } from './training_run.js'
import { weightsFingerprint } from './weights_fingerprint.js'

/**
 * Pre-trains `model` to predict the tokens that `tokenizer` gives the masked patches of `data`. Everything is
 * checked before the run begins, and the model's `preprocessing` becomes that of the run, which its checkpoints keep. `break` ends the run without saving; an aborted `signal` finishes the step,
 * saves and yields 'done'.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT, ERR_SHAPE_MISMATCH, ERR_DEVICE, ERR_DATA, ERR_OUTPUT_EXISTS,
 * ERR_CHECKPOINT_MISMATCH and ERR_NO_CHECKPOINT before the run; ERR_NON_FINITE (a checkpoint was saved),
 * ERR_DATA and ERR_IO in it
 * @example
 * const { vocabSize } = tokenizer
 * const model = await BeitForMaskedImageModeling.create('beit_base_patch16_224', { vocabSize })
 * const data = await ImageFolder.open('photos/')
 * for await (const event of pretrain({ model, tokenizer, data, output: 'runs/first', resume: 'auto' })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss, event.accuracy)
 * }
 */
export async function* pretrain(options: PretrainOptions): AsyncGenerator<PretrainEvent, void, undefined> {
  // validate
  const settings = validateOptions<PretrainSettings>('pretrain', pretrainSchema, options)
  const { model, tokenizer, data, seed } = settings
  if (model.device !== tokenizer.device) {
    throw new BeitError(
      'ERR_DEVICE',
      `pretrain: the model is on ${model.device}, the tokenizer on ${tokenizer.device}: ` +
        'move one with to({ device })',
    )
  }
  if (settings.samplesEveryEpochs !== null && !tokenizer.hasDecoder) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      'pretrain: samplesEveryEpochs draws what tokens stand for, and the tokenizer has no decoder: load it with one, ' +
        'or leave samplesEveryEpochs out',
    )
  }

  // interpret
  const length = runLength(data.length, settings)
  const schedules = optimizerSchedules(settings, length)
  const normalization = normalizationOf(settings)
  const mask = maskOf(settings, model.grid)
  // So that the shapes of a step stay on a GPU. It adds few rows: most masks have as many patches as they may.
  const maskedPatches = model.device === 'cpu' ? null : mask.patches
  const objective = new MaskedImageModeling({ model, tokenizer, ...normalization, maskedPatches })
  const { scale, ratio, colorJitter, flipProbability, interpolation, tokenInterpolation, maxPixels } =
    settings
  const common = { mask, interpolation, tokenInterpolation, maxPixels }
  const config = runConfig(settings, pretrainSchema, {
    model: model.config,
    tokenizer: { kind: tokenizer.kind, ...tokenizer.config, weights: await weightsFingerprint(tokenizer) },
  })

  // loop
  yield* runTraining({
    kind: 'pretrain',
    objective,
    module: model,
    settings,
    length,
    config,
    views: trainingViews(objective.views, { ...common, seed, scale, ratio, colorJitter, flipProbability }),
    stepSettings: schedules,
    onBegin: () => {
      model.preprocessing = { ...normalization, interpolation }
    },
    describe: {
      step: (result) => objective.metrics(result),
      epoch: (result) => objective.metrics(result),
    },
    evaluate: objectiveEvaluation(
      // Seed 0 always: the masks of the validation images are the same in runs of other seeds.
      evaluationViews(objective.views, { ...common, seed: 0 }),
      settings,
      (result) => {
        const { loss, accuracy, perplexity } = objective.metrics(result)
        return { loss, accuracy, perplexity, baselineAccuracy: mostFrequentShare(result.tokenCounts) }
      },
    ),
    report: null,
    samples: samplesOf(settings),
  })
}

function samplesOf(settings: PretrainSettings): Samples | null {
  const { samplesEveryEpochs } = settings
  if (samplesEveryEpochs === null) return null
  return {
    everyEpochs: samplesEveryEpochs,
    async draw() {
      // Drawing needs sharp, which takes a moment to load.
      const { sampleSheet } = await import('../visualize/sample_sheet.js')
      return sampleSheet(settings)
    },
  }
}

/** The mask of a model of `grid` patches, as the options have it. */
export function maskOf(settings: PretrainSettings, grid: readonly [number, number]): MaskSettings {
  return maskSettings(grid, {
    mode: settings.maskMode,
    patches: settings.maskPatches,
    minPatchesPerBlock: settings.minMaskPatchesPerBlock,
    maxPatchesPerBlock: settings.maxMaskPatchesPerBlock,
    minAspect: settings.minMaskAspect,
  })
}
