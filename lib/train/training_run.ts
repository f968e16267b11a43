/**
 * The training loop, for every objective: take a batch, make a step, tell about it (on a GPU, where nothing depends
 * on it, after the next one has begun); at the end of an epoch evaluate and save. What is trained, and how, is in the {@link Training} it is given.
 */
import { native } from '../binding.js'
import { runCheckpointPath } from '../checkpoint/run_checkpoint.js'
import { type BatchStream, batches } from '../data/batches.js'
import { type BrokenImage, mergeBroken } from '../data/broken_images.js'
import { threads } from '../device.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { writeTensorBoard } from '../log/tensorboard/write_tensorboard.js'
import type { StepSettings } from '../native.js'
import type { DoneCommon, RunEvent, TrainingEvent } from './events.js'
import { readsLate } from './late_results.js'
import { machineOf } from './machine.js'
import { findRunStart, type RunStart, saveRun } from './run_checkpoints.js'
import { withThreads } from './run_config.js'
import { RunFolder } from './run_folder.js'
import { runHistograms } from './run_histograms.js'
import { positionAfter } from './run_length.js'
import { drawSamples } from './run_samples.js'
import { JUDGED_ON_TRAINING, type Progress } from './run_state.js'
import { type StepBatches, stepBatches } from './step_batches.js'
import { pace, type StepCost } from './totals.js'
import type { PendingStep, Trainer } from './trainer.js'
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
    yield* run.followedEvents() as AsyncGenerator<TrainingEvent<S, E, V, B> | R>
  } finally {
    trainer?.dispose()
    // Not threads(): OMP_NUM_THREADS may have asked for more than there are processors.
    await native().setThreads(threadsBefore)
    await folder.close()
  }
}

type AnyEvent = TrainingEvent<object, object, object> | object

interface StepInFlight {
  step: PendingStep
  settings: StepSettings
  epoch: number
  images: number
}

class TrainingRun {
  readonly #began = performance.now()
  readonly #training: Training
  readonly #folder: RunFolder
  readonly #trainer: Trainer
  readonly #start: RunStart
  readonly #progress: Progress
  readonly #stream: BatchStream
  /** A step that was begun and not yet told about. */
  #inFlight: StepInFlight | null = null
  /** When the step in flight, or the next one, began to take time, and the milliseconds waited for data since. */
  #since = 0
  #waited = 0
  /** The checkpoint in this folder that has what the run has now. */
  #saved: { step: number; path: string } | null = null
  /** Validation images left out so far. */
  #brokenInValidation: BrokenImage[] = []

  constructor(training: Training, folder: RunFolder, trainer: Trainer, start: RunStart) {
    const { settings, length, views, repeats, module } = training
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
      pinMemory: module.device !== 'cpu',
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

  /** Its events, after TensorBoard has been told of them if it is to be. */
  followedEvents(): AsyncGenerator<AnyEvent> {
    // Their fields are those of some kind of run, because the training that was given makes them.
    const events = this.#events() as AsyncGenerator<RunEvent>
    const { module, settings } = this.#training
    const { tensorboard } = settings
    if (tensorboard === false) return events
    return writeTensorBoard(events, {
      ...(tensorboard !== true && { folder: tensorboard }),
      histograms: () =>
        runHistograms(module, this.#trainer, this.#progress.lastEpoch?.result.tokenCounts ?? []),
    })
  }

  async *#events(): AsyncGenerator<AnyEvent> {
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
      yield* this.#deliver()
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
      machine: await machineOf(module.device),
      ...describe.start?.(),
      config,
    }
    for (const message of [...warnings, ...this.#start.warnings]) yield { type: 'warning', message }
  }

  async *#step(steps: AsyncIterator<StepBatches, unknown>): AsyncGenerator<AnyEvent> {
    let begun: StepInFlight | null
    try {
      begun = yield* this.#begunStep(steps)
    } catch (error) {
      yield* this.#deliver()
      throw error
    }
    if (begun === null) return
    yield* this.#deliver()
    this.#inFlight = begun
    if (!this.#mayStayInFlight) yield* this.#deliver()
  }

  /** Takes the next batch and begins a step on it; null: there was none to begin. */
  async *#begunStep(
    steps: AsyncIterator<StepBatches, unknown>,
  ): AsyncGenerator<AnyEvent, StepInFlight | null> {
    const { stepSettings, microBatch = (batch) => batch } = this.#training
    const progress = this.#progress
    const began = performance.now()
    if (this.#inFlight === null) this.#since = began
    const batch = (await steps.next()).value as StepBatches // There is one for every step of the run.
    this.#waited += performance.now() - began
    try {
      if (this.#stopped) return null
      if (batch.images === 0) {
        yield* this.#deliver()
        progress.step++
        this.#waited = 0
        yield {
          type: 'warning',
          message: `step ${progress.step} is left out: none of its images can be read`,
        }
        return null
      }
      const settings = stepSettings(progress.step + (this.#inFlight === null ? 0 : 1))
      const step = await scope(async () =>
        this.#trainer.beginStep(await Promise.all(batch.microBatches.map(microBatch)), settings),
      )
      return { step, settings, epoch: batch.epoch, images: batch.images }
    } finally {
      batch.dispose()
    }
  }

  /** Waits for the step in flight, and tells about it. */
  async *#deliver(): AsyncGenerator<AnyEvent> {
    if (this.#inFlight === null) return
    const { step, settings, epoch, images } = this.#inFlight
    this.#inFlight = null
    const { describe, report } = this.#training
    const progress = this.#progress
    const result = await step.result()
    const now = performance.now()
    const cost: StepCost = { images, seconds: (now - this.#since) / 1000, waited: this.#waited / 1000 }
    this.#since = now
    this.#waited = 0
    progress.add(result, cost)
    if (result.notice !== undefined) yield { type: 'warning', message: result.notice }
    yield {
      type: 'step',
      step: progress.step,
      epoch,
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
    // After an epoch's last step not before the epoch is told of: a run that goes on from there would tell it again, and
    // TensorBoard cannot forget what has the step of the checkpoint.
    if (this.#isSavedAfter(progress.step) && !this.#epochIsFull) yield* this.#save()
  }

  /**
   * Whether the next step may begin before the result of the one in flight is known: not where something is done
   * with the weights after it, and not where that result may end the run.
   */
  get #mayStayInFlight(): boolean {
    const { length, module, settings } = this.#training
    const step = this.#progress.step + 1
    return (
      readsLate(module.device, settings.profile) &&
      step % length.stepsPerEpoch !== 0 &&
      step < length.steps &&
      !this.#isSavedAfter(step) &&
      this.#progress.skippedInARow + 1 < NON_FINITE_LIMIT
    )
  }

  #isSavedAfter(step: number): boolean {
    const { saveEverySteps } = this.#training.settings
    return saveEverySteps !== null && step % saveEverySteps === 0
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
    const { samples } = this.#training
    if (samples !== null && isDue(samples.everyEpochs))
      yield await drawSamples(samples, this.#folder.path, { epoch, step })
    if (!isDue(settings.saveEveryEpochs) && !this.#isSavedAfter(step)) return
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
