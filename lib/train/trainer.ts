/**
 * A model with its optimizer: one call per training step (native/train/trainer.cc). The loop, the schedules
 * and the files are elsewhere in lib/train.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { native } from '../binding.js'
import { Disposable } from '../dispose.js'
import { invalidArgument } from '../errors.js'
import { titled } from '../inspection.js'
import type {
  BatchErasing,
  BatchTensors,
  MixPlan,
  NamedTensors,
  PendingStepHandle,
  StepResult,
  StepSettings,
  TrainerBindings,
  TrainerHandle,
} from '../native.js'
import { Tensor } from '../tensor.js'

export type { StepResult, StepSettings }

/** What the native trainer computes: built by an {@link Objective}. */
export type NativeObjective = Parameters<TrainerBindings['trainerCreate']>[0]

/** AdamW, clipping and precision; see the addon's `trainerCreate`. */
export type TrainerOptions = Parameters<TrainerBindings['trainerCreate']>[1]

/** One micro-batch. Its tensors stay the caller's, who may dispose them as soon as the call has returned. */
export interface MicroBatch {
  /** (B, 3, H, W): uint8 RGB, or float32 that is already normalised. */
  pixels: Tensor
  /** The tokenizer's view (B, 3, h, w): uint8 RGB, or float32 in [0, 1]. */
  tokenPixels?: Tensor | null
  /** bool (B, N), true = masked. */
  mask?: Tensor | null
  /** int64 (B, N): token ids computed before, instead of `tokenPixels`. */
  tokens?: Tensor | null
  /** Classification: int64 (B) class ids, or float32 (B, C) weights of the classes, 0 to 1. */
  targets?: Tensor | null
  /** Classification: random erasing of the normalised images. */
  erase?: BatchErasing | null
  /** Classification: mixup or CutMix of the batch with itself in reverse order, after `erase`. */
  mix?: MixPlan | null
}

/**
 * A step that was begun.
 *
 * @example
 * const first = await trainer.beginStep([batch], { learningRate: 5e-4, weightDecay: 0.05 })
 * const second = await trainer.beginStep([batch], { learningRate: 5e-4, weightDecay: 0.05 })
 * console.log((await first.result()).loss, (await second.result()).loss)
 */
export class PendingStep {
  readonly #handle: PendingStepHandle
  #result: Promise<StepResult> | null = null
  #taken = false

  /** @internal Made by {@link Trainer.beginStep}. */
  constructor(handle: PendingStepHandle) {
    this.#handle = handle
  }

  /** Waits for the step. Asked again, it gives the same result. */
  result(): Promise<StepResult> {
    this.#result ??= this.#take()
    return this.#result
  }

  async #take(): Promise<StepResult> {
    try {
      return await native().pendingStepResult(this.#handle)
    } finally {
      native().dispose(this.#handle)
      this.#taken = true
    }
  }

  /** Whether its result was taken. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return titled('PendingStep', [this.#taken ? 'result taken' : 'result not taken yet'], depth, options)
  }
}

/**
 * Trains one module. The module stays the caller's: the trainer changes its weights in place.
 *
 * @example
 * const objective = new MaskedImageModeling({ model, tokenizer })
 * using trainer = await objective.createTrainer({
 *   betas: [0.9, 0.98],
 *   eps: 1e-8,
 *   clipGradient: 3,
 *   precision: 'fp32',
 *   seed: 0,
 * })
 * const views = trainingViews(objective.views, { mask: maskSettings(model.grid) })
 * for await (const batch of batches(data, { views, batchSize: 4, epochs: 1 })) {
 *   const { loss } = await trainer.step([batch], { learningRate: 5e-4, weightDecay: 0.05 })
 *   console.log(loss)
 *   batch.dispose()
 * }
 */
export class Trainer extends Disposable<'trainer'> {
  readonly #about: readonly string[]

  /** @internal Made by `create`. */
  constructor(handle: TrainerHandle, about: readonly string[]) {
    super(handle)
    this.#about = about
  }

  /**
   * Allocates the optimizer's moments on the device of the module (8 bytes a parameter).
   * @throws BeitError ERR_INVALID_ARGUMENT when the module is not float32, or lies on another device than
   *   its tokenizer, or `ema.model` is no copy of it; ERR_SHAPE_MISMATCH when the vocabularies of model and tokenizer differ
   */
  static async create(objective: NativeObjective, options: TrainerOptions): Promise<Trainer> {
    const handle = await native().trainerCreate(objective, options)
    const { precision, betas, clipGradient } = options
    const about = [objective.kind, precision, `betas ${betas.join(' ')}`, `clip ${clipGradient ?? 'none'}`]
    return new Trainer(handle, about)
  }

  /**
   * One optimizer step: forward and backward over the micro-batches (the loss is the mean of theirs), clip,
   * AdamW. When loss or gradient are not finite, `finite` is false and weights, moments and step count stay
   * as they were.
   * @throws BeitError ERR_SHAPE_MISMATCH or ERR_INVALID_ARGUMENT when a batch does not fit or a setting is not a finite
   *   number of at least 0, before any computation
   */
  async step(microBatches: readonly MicroBatch[], settings: StepSettings): Promise<StepResult> {
    return (await this.beginStep(microBatches, settings)).result()
  }

  /**
   * As {@link step}, without waiting for a GPU: it is queued when the promise resolves, so that the next one can be
   * begun before the result of this one is there. Steps run in the order in which they were begun. On a CPU the
   * step is done when the promise resolves.
   * @throws BeitError as {@link step}
   */
  async beginStep(microBatches: readonly MicroBatch[], settings: StepSettings): Promise<PendingStep> {
    if (!Array.isArray(microBatches))
      throw invalidArgument('microBatches', 'an array of batches', microBatches)
    const handle = await native().trainerBeginStep(this.handle, microBatches.map(batchTensors), settings)
    return new PendingStep(handle)
  }

  /** Loss and counts of one batch without gradient, drop path and noise. Changes nothing. */
  evaluate(
    batch: MicroBatch,
    settings: Pick<StepSettings, 'temperature' | 'klWeight'> = {},
  ): Promise<StepResult> {
    return native().trainerEvaluate(this.handle, batchTensors(batch), {
      learningRate: 0,
      weightDecay: 0,
      ...settings,
    })
  }

  /**
   * What a resumed run needs beside the weights: 'step', 'generator', and 'exp_avg.NAME', 'exp_avg_sq.NAME'
   * of each parameter. The moments are live views: the next step changes them.
   */
  async state(): Promise<Map<string, Tensor>> {
    return namedTensors(await native().trainerState(this.handle))
  }

  /**
   * Copies a state that {@link Trainer.state} gave into this trainer, from any device.
   * @throws BeitError ERR_CHECKPOINT_MISMATCH when names, shapes or dtypes differ; nothing is changed then
   */
  async load(state: ReadonlyMap<string, Tensor>): Promise<void> {
    if (!(state instanceof Map)) throw invalidArgument('state', 'a Map of names to Tensors', state)
    const tensors = [...state.values()].map((tensor) => tensor.handle)
    await native().trainerLoad(this.handle, [...state.keys()], tensors)
  }

  /** Gradients of the last step as the optimizer used them, after clipping. Live views until the next. */
  async gradients(): Promise<Map<string, Tensor>> {
    return namedTensors(await native().trainerGradients(this.handle))
  }

  /** What it computes, and how. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return titled('Trainer', [...this.#about, ...(this.disposed ? ['disposed'] : [])], depth, options)
  }
}

function batchTensors(batch: MicroBatch): BatchTensors {
  if (typeof batch !== 'object' || batch === null)
    throw invalidArgument('a batch', 'an object of Tensors', batch)
  const { pixels, erase = null, mix = null } = batch
  if (!(pixels instanceof Tensor)) throw invalidArgument('pixels', 'a Tensor (B, 3, H, W)', pixels)
  const optional = (name: 'tokenPixels' | 'mask' | 'tokens' | 'targets') => {
    const tensor = batch[name] ?? null
    if (tensor !== null && !(tensor instanceof Tensor)) throw invalidArgument(name, 'a Tensor', tensor)
    return tensor === null ? null : tensor.handle
  }
  return {
    pixels: pixels.handle,
    tokenPixels: optional('tokenPixels'),
    mask: optional('mask'),
    tokens: optional('tokens'),
    targets: optional('targets'),
    erase,
    mix,
  }
}

function namedTensors({ names, tensors }: NamedTensors): Map<string, Tensor> {
  return new Map(tensors.map((handle, i) => [names[i] as string, new Tensor(handle)]))
}
