/**
 * Training of a discrete VAE as image tokenizer (DALL-E paper, arXiv 2102.12092, section 2.1 and appendix A).
 * This file says what is trained on what; the loop is training_run.ts, one step is
 * native/train/discrete_vae_step.cc.
 */
import { evaluationViews, trainingViews } from '../data/view_settings.js'
import { BeitError } from '../errors.js'
import { DiscreteVaeReconstruction } from '../objectives/discrete_vae_reconstruction.js'
import { perplexity, usage, usedCodes } from '../objectives/token_statistics.js'
import { validateOptions } from '../options.js'
import { objectiveEvaluation } from './evaluation.js'
import type { CodebookEvent, TokenizerEvent } from './events.js'
import { optimizerSchedules } from './optimizer_schedules.js'
import { runConfig } from './run_config.js'
import { type RunLength, runLength } from './run_length.js'
import { exponentialSchedule, klWeightSchedule, type Schedule, temperatureSchedule } from './schedules.js'
import { type TokenizerOptions, type TokenizerSettings, tokenizerSchema } from './tokenizer_options.js'
import type { Totals } from './totals.js'
import type { Samples } from './training.js'
import { runTraining } from './training_run.js'

/**
 * Trains `model` to rebuild the images of `data` from discrete codes. Checks, stopping and checkpoints are
 * those of {@link pretrain}. Watch `usage` and `dead` of the 'codebook' events: a codebook of which little is
 * used makes targets that are too easy.
 *
 * @throws BeitError as {@link pretrain}
 * @example
 * const model = await ConvDiscreteVae.create({ imageSize: 112, vocabSize: 1024 })
 * const data = await ImageFolder.open('photos/')
 * for await (const event of trainTokenizer({ model, data, epochs: 20, output: 'runs/tokenizer' })) {
 *   if (event.type === 'codebook') console.log(event.step, event.usage, event.perplexity)
 * }
 * await model.save('tokenizer.safetensors')
 */
export async function* trainTokenizer(
  options: TokenizerOptions,
): AsyncGenerator<TokenizerEvent, void, undefined> {
  // validate
  const settings = validateOptions<TokenizerSettings>('trainTokenizer', tokenizerSchema, options)
  const { model, data, reconstruction, straightThrough, seed } = settings
  const { imageSize, outputChannels } = model.config
  const channels = reconstruction === 'logit-laplace' ? 6 : 3
  if (outputChannels !== channels) {
    throw new BeitError(
      'ERR_SHAPE_MISMATCH',
      `trainTokenizer: reconstruction '${reconstruction}' needs a decoder of ${channels} channels, the model has ` +
        `${outputChannels}: create it with outputChannels: ${channels}`,
    )
  }

  // interpret
  const length = runLength(data.length, settings)
  const schedules = optimizerSchedules(settings, length)
  const temperature = temperatureOf(settings, length)
  const klWeight = klWeightSchedule({
    imageSize,
    beta: settings.klWeight,
    steps: settings.klWarmupSteps ?? length.steps,
  })
  const objective = new DiscreteVaeReconstruction({
    tokenizer: model,
    imageSize,
    reconstruction,
    straightThrough,
  })
  const { scale, ratio, colorJitter, flipProbability, interpolation, maxPixels } = settings
  const common = { interpolation, maxPixels }

  // loop
  yield* runTraining({
    kind: 'tokenizer',
    objective,
    module: model,
    settings,
    length,
    config: runConfig(settings, tokenizerSchema, { model: model.config }),
    views: trainingViews(objective.views, { ...common, seed, scale, ratio, colorJitter, flipProbability }),
    stepSettings: (step) => ({
      ...schedules(step),
      temperature: temperature(step),
      klWeight: klWeight(step),
    }),
    describe: {
      step: (result, { temperature = 1, klWeight = 0 }) => ({
        ...objective.metrics(result),
        temperature,
        klWeight,
      }),
      epoch: (result) => objective.metrics(result),
    },
    evaluate: objectiveEvaluation(evaluationViews(objective.views, common), settings, (result) => ({
      ...objective.metrics(result),
      usage: usage(result.tokenCounts),
      perplexity: perplexity(result.tokenCounts),
    })),
    report: { steps: settings.codebookEverySteps, event: codebookEvent },
    samples: samplesOf(settings),
  })
}

/** The exponential of `temperatureRate` where that is given, else a cosine. */
function temperatureOf(settings: TokenizerSettings, length: RunLength): Schedule {
  const { temperature, temperatureEnd, temperatureSteps, temperatureRate } = settings
  if (temperatureRate === null) {
    const steps = temperatureSteps ?? length.steps
    return temperatureSchedule({ start: temperature, final: temperatureEnd, steps })
  }
  if (temperatureSteps !== null) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      'trainTokenizer: temperatureSteps is the length of a cosine, temperatureRate is of an exponential: give one',
    )
  }
  return exponentialSchedule({ start: temperature, rate: temperatureRate, minimum: temperatureEnd })
}

function samplesOf({ model, data, validation, samplesEveryEpochs }: TokenizerSettings): Samples | null {
  if (samplesEveryEpochs === null) return null
  const { imageSize } = model.config
  return {
    everyEpochs: samplesEveryEpochs,
    async draw() {
      // Drawing needs sharp, which takes a moment to load.
      const { reconstructionSheet } = await import('../visualize/tokenizer_sheets.js')
      return reconstructionSheet({ tokenizer: model, data: validation ?? data, imageSize })
    },
  }
}

function codebookEvent(totals: Totals, step: number): CodebookEvent {
  const { tokenCounts } = totals.result
  return {
    type: 'codebook',
    step,
    interval: totals.steps,
    usage: usage(tokenCounts),
    perplexity: perplexity(tokenCounts),
    dead: tokenCounts.length - usedCodes(tokenCounts),
  }
}
