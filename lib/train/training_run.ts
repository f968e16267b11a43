/**
 * The training loop, for every objective: take a batch, make a step, tell about it; at the end of an epoch
 * evaluate and save. What is trained, and how, is in the {@link Training} it is given.
 */
import { native } from '../binding.js'
import { runCheckpointPath } from '../checkpoint/run_checkpoint.js'
import { type BatchStream, batches } from '../data/batches.js'
import { type BrokenImage, mergeBroken } from '../data/broken_images.js'
import { threads } from '../device.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import type { StepResult } from '../native.js'
import type { DoneCommon, TrainingEvent } from './events.js'
import { findRunStart, type RunStart, saveRun } from './run_checkpoints.js'
import { withThreads } from './run_config.js'
import { RunFolder } from './run_folder.js'
import { positionAfter } from './run_length.js'
import { JUDGED_ON_TRAINING, type Progress } from './run_state.js'
import { type StepBatches, stepBatches } from './step_batches.js'
import { pace, type StepCost } from './totals.js'
import type { Trainer } from './trainer.js'
import type { Evaluated, IntervalReport, Training } from './training.js'

/** Steps in a row without a finite loss and gradient that end a run. */
const NON_FINITE_LIMIT = 3

/**
 * Runs a training to its end, or until its signal is aborted, and yields what happens. Breaking out of the
 * iteration frees all that it holds, without saving.
 */
export async function* runTraining<
  S extends object,
  E extends object,
  V extends object,
  R extends object,
  B extends object = object,
>(given: Training<S, E, V, R, B>): AsyncGenerator<TrainingEvent<S, E, V, B> | R, void, undefined> {
  const { settings } = given
  if (settings.validation?.length === 0) {
    throw new BeitError('ERR_DATA', `there are no validation images in ${settings.validation.name}`)
  }
  const folder = await RunFolder.open(settings.output, settings.resume !== 'never')
  let trainer: Trainer | null = null
  const threadsBefore = await threads()
  try {
    const inEffect = await threads(settings.threads ?? undefined)
    const training = { ...given, config: withThreads(given.config, inEffect) }
    const start = await findRunStart(training, folder)
    trainer = await training.objective.createTrainer(settings)
    await start.checkpoint?.restore(trainer)
    const run = new TrainingRun(training, folder, trainer, start)
    // The events have the fields of S, E, V, R and B, because `given` makes them.
    yield* run.events() as AsyncGenerator<TrainingEvent<S, E, V, B> | R>
  } finally {
    trainer?.dispose()
    // Not threads(): OMP_NUM_THREADS may have asked for more than there are processors.
    await native().setThreads(threadsBefore)
    await folder.close()
  }
}

type AnyEvent = TrainingEvent<object, object, object> | object

class TrainingRun {
  readonly #began = performance.now()
  readonly #training: Training
  readonly #folder: RunFolder
  readonly #trainer: Trainer
  readonly #start: RunStart
  readonly #progress: Progress
  readonly #stream: BatchStream
  /** The checkpoint in this folder that has what the run has now. */
  #saved: { step: number; path: string } | null = null
  /** Validation images left out so far. */
  #brokenInValidation: BrokenImage[] = []

  constructor(training: Training, folder: RunFolder, trainer: Trainer, start: RunStart) {
    const { settings, length, views, repeats } = training
    this.#training = training
    this.#folder = folder
    this.#trainer = trainer
    this.#start = start
    this.#progress = start.progress
    this.#stream = batches(settings.data, {
      views,
      batchSize: settings.batchSize,
      shuffle: true,
      dropLast: true,
      seed: settings.seed,
      threads: settings.loaderThreads ?? undefined,
      prefetch: settings.prefetch,
      start: positionAfter(this.#progress.step, length.stepsPerEpoch, settings.accumulate),
      epochs: length.epochs,
      ...(repeats !== undefined && { repeats }),
      maxBrokenShare: settings.maxBrokenShare,
    })
    const { checkpoint } = start
    if (checkpoint !== null && folder.holds(checkpoint.path)) {
      this.#saved = { step: this.#progress.step, path: checkpoint.path }
    }
  }

  async *events(): AsyncGenerator<AnyEvent> {
    const { length, settings } = this.#training
    yield* this.#begin()
    const { accumulate } = settings
    const steps = stepBatches(this.#stream, { ...length, accumulate }, this.#progress.step)
    try {
      while (!this.#stopped) {
        if (this.#epochIsFull) yield* this.#endOfEpoch()
        if (this.#stopped || this.#progress.step >= length.steps) break
        yield* this.#step(steps)
      }
    } finally {
      await steps.return()
    }
    yield* this.#finish()
  }

  async *#begin(): AsyncGenerator<AnyEvent> {
    const { settings, length, config, module, onBegin, describe, warnings = [] } = this.#training
    const { checkpoint } = this.#start
    await this.#folder.writeSettings(config)
    onBegin?.()
    yield {
      type: 'start',
      runId: this.#folder.runId,
      output: this.#folder.path,
      ...length,
      batchSize: settings.batchSize * settings.accumulate,
      images: settings.data.length,
      parameters: await module.parameterCount(),
      resumedFrom: checkpoint?.path ?? null,
      resumedStep: this.#progress.step,
      ...describe.start?.(),
      config,
    }
    for (const message of [...warnings, ...this.#start.warnings]) yield { type: 'warning', message }
  }

  async *#step(steps: AsyncIterator<StepBatches, unknown>): AsyncGenerator<AnyEvent> {
    const { describe, report, stepSettings, microBatch = (batch) => batch } = this.#training
    const progress = this.#progress
    const began = performance.now()
    const batch = (await steps.next()).value as StepBatches // There is one for every step of the run.
    const waited = performance.now() - began
    const settings = stepSettings(progress.step)
    let result: StepResult
    try {
      if (this.#stopped) return
      if (batch.images === 0) {
        progress.step++
        yield {
          type: 'warning',
          message: `step ${progress.step} is left out: none of its images can be read`,
        }
        return
      }
      result = await scope(async () =>
        this.#trainer.step(await Promise.all(batch.microBatches.map(microBatch)), settings),
      )
    } finally {
      batch.dispose()
    }
    const seconds = (performance.now() - began) / 1000
    const cost: StepCost = { images: batch.images, seconds, waited: waited / 1000 }
    progress.add(result, cost)
    yield {
      type: 'step',
      step: progress.step,
      epoch: batch.epoch,
      ...describe.step(result, settings),
      gradientNorm: result.gradientNorm,
      learningRate: settings.learningRate,
      weightDecay: settings.weightDecay,
      skipped: progress.skipped,
      ...pace(cost),
      ...(result.parts && { parts: allParts(result.parts, cost) }),
    }
    if (progress.skippedInARow === NON_FINITE_LIMIT) yield* this.#giveUp()
    if (report !== null && progress.interval.steps >= report.steps) yield this.#report(report)
    const { saveEverySteps } = this.#training.settings
    if (saveEverySteps !== null && progress.step % saveEverySteps === 0) yield* this.#save()
  }

  /** Full when its last step was made, or the last one of the run. Empty once it was reported. */
  get #epochIsFull(): boolean {
    const { length } = this.#training
    const { step, epoch } = this.#progress
    return epoch.steps > 0 && (step % length.stepsPerEpoch === 0 || step >= length.steps)
  }

  async *#endOfEpoch(): AsyncGenerator<AnyEvent> {
    const { settings, length, describe, report, stepSettings } = this.#training
    const progress = this.#progress
    const { step } = progress
    const epoch = this.#epochOf(step)
    const isDue = (every: number) => (epoch + 1) % every === 0 || step >= length.steps

    let evaluation: Evaluated<object> | null = null
    const { validation } = settings
    if (validation !== null && isDue(settings.evaluateEveryEpochs)) {
      const last = stepSettings(Math.max(0, step - 1))
      try {
        evaluation = await this.#training.evaluate(this.#trainer, validation, last)
      } catch (error) {
        yield* this.#notEvaluated(error)
      }
      // Stopped on the way: the epoch stays open, and is closed when the run goes on.
      if (evaluation === null) return
    }
    const totals = progress.closeEpoch()
    this.#saved = null
    if (report !== null && progress.interval.steps > 0) yield this.#report(report)
    const broken = this.#stream.broken.length
    yield { type: 'epoch', epoch, step, ...describe.epoch(totals.result), ...totals.pace, broken }
    if (evaluation !== null) {
      const { images, broken, fields } = evaluation
      this.#brokenInValidation = mergeBroken(this.#brokenInValidation, broken)
      yield { type: 'evaluation', epoch, step, images, broken: broken.length, ...fields }
    }
    if (!isDue(settings.saveEveryEpochs)) return
    if (validation === null)
      progress.noteScore({ metric: 'loss', value: totals.result.loss }, JUDGED_ON_TRAINING)
    else if (evaluation !== null) progress.noteScore(evaluation.score, validation.fingerprint)
    yield* this.#save()
  }

  #report(report: IntervalReport<object>): object {
    return report.event(this.#progress.closeInterval(), this.#progress.step)
  }

  async *#save(): AsyncGenerator<AnyEvent> {
    const event = await saveRun(this.#training, this.#folder, this.#trainer, this.#progress)
    this.#saved = event
    yield event
  }

  /** Saves before it throws, with the epoch open: a resumed run begins with its evaluation. */
  async *#notEvaluated(cause: unknown): AsyncGenerator<AnyEvent, never> {
    const { step } = this.#progress
    if (this.#saved?.step !== step) yield* this.#save()
    if (!(cause instanceof BeitError)) throw cause
    throw new BeitError(
      cause.code,
      `${cause.message}\nThe evaluation after step ${step} has failed; the run is saved in ${this.#saved?.path}. ` +
        'Mend the cause and resume: it goes on with this evaluation',
      { cause },
    )
  }

  async *#giveUp(): AsyncGenerator<AnyEvent, never> {
    const { step } = this.#progress
    this.#progress.skippedInARow = 0
    yield* this.#save()
    throw new BeitError(
      'ERR_NON_FINITE',
      `loss or gradient were not finite in the ${NON_FINITE_LIMIT} steps up to ${step}; the weights from before ` +
        `them are saved in ${this.#saved?.path}. ` +
        "Try a lower learningRate, a longer warm-up, clipGradient, or precision 'fp32'",
    )
  }

  async *#finish(): AsyncGenerator<AnyEvent> {
    const { describe, length } = this.#training
    const { step, lastEpoch, epoch } = this.#progress
    if (this.#saved?.step !== step) yield* this.#save()
    yield {
      type: 'done',
      step,
      epoch: this.#epochOf(step),
      // Stopped at the last step, the run has yet to close the epoch.
      reason: step >= length.steps && epoch.steps === 0 ? 'finished' : 'stopped',
      ...describe.epoch((lastEpoch ?? epoch).result),
      checkpoint: this.#saved?.path as string,
      best: this.#best,
      seconds: (performance.now() - this.#began) / 1000,
      broken: mergeBroken(this.#stream.broken, this.#brokenInValidation),
    }
  }

  get #best(): DoneCommon['best'] {
    const { best } = this.#progress
    if (best === null) return null
    const { step, metric, value } = best
    return { step, metric, value, checkpoint: runCheckpointPath(this.#folder.checkpoints, step) }
  }

  /** Of the step that made `step` finished ones; 0 before the first. */
  #epochOf(step: number): number {
    return Math.max(0, Math.ceil(step / this.#training.length.stepsPerEpoch) - 1)
  }

  get #stopped(): boolean {
    return this.#training.settings.signal?.aborted ?? false
  }
}

/** The parts of a step as the native trainer timed them, with what lies around them. */
function allParts(timed: Readonly<Record<string, number>>, { seconds, waited }: StepCost) {
  const sum = Object.values(timed).reduce((total, part) => total + part, waited)
  return { data: waited, ...timed, rest: seconds - sum }
}
