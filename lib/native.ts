/**
 * What the addon exports, word for word: the mirror of native/bindings. Nothing but binding.ts creates it;
 * the public classes wrap it. Handles are opaque; all calls that compute return a promise.
 */

/** An opaque reference to a native object: tensor, module, trainer, linear probe or image loader. */
export type Handle<Kind extends string> = { readonly __kind: Kind }
export type TensorHandle = Handle<'tensor'>
export type ModuleHandle = Handle<'module'>
export type TrainerHandle = Handle<'trainer'>
export type PendingStepHandle = Handle<'pending-step'>
export type LinearProbeHandle = Handle<'linearProbe'>
export type ImageLoaderHandle = Handle<'imageLoader'>

/** The dtypes of tensors, by PyTorch's names. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'

/** native/bindings/runtime.cc and handle.cc */
export interface RuntimeBindings {
  version(): { compiled: string; config: string; jpeg: boolean }
  setThreads(count: number): Promise<number>
  cudaDevices(): Promise<{ name: string; memoryBytes: number }[]>
  cancelAndJoin(): void
  dispose(handle: Handle<string>): void
  memory(): { handles: number; bytes: number }
}

/** native/bindings/tensor.cc */
export interface TensorBindings {
  tensorFrom(bytes: Uint8Array, shape: readonly number[], dtype: DType, device: string): TensorHandle
  tensorInfo(tensor: TensorHandle): { shape: number[]; dtype: DType; device: string }
  tensorRead(tensor: TensorHandle): Promise<ArrayBuffer>
  /**
   * The first `count` elements in row-major order, at once and as they are at this moment; null: they are not in
   * the memory of the CPU.
   */
  tensorFirst(tensor: TensorHandle, count: number): ArrayBuffer | null
  tensorTo(tensor: TensorHandle, device: string, dtype: DType): Promise<TensorHandle>
  /** A copy of `count` rows of the first dimension, from row `start` on. */
  tensorRows(tensor: TensorHandle, start: number, count: number): Promise<TensorHandle>
  /** One after the other along the first dimension. */
  tensorJoin(tensors: readonly TensorHandle[]): Promise<TensorHandle>
  /** Values in `buckets` buckets of equal width from the lowest finite value to the highest. */
  tensorHistogram(
    tensor: TensorHandle,
    buckets: number,
  ): Promise<{ counts: Float64Array; low: number; high: number }>
  /** (N + 1, N + 1) int64 for N = rows * columns patches behind a class token. */
  relativePositionIndex(rows: number, columns: number): Promise<TensorHandle>
  /**
   * Views of runs of bytes of a file: each range is read once, into memory that its views share, and compared
   * with its CRC-32 where one is given. `range` is an index into `ranges`, `offset` counts elements.
   */
  storagesFromFile(
    path: string,
    ranges: readonly { offset: number; byteLength: number; crc32: number | null }[],
    views: readonly {
      /** For messages. */
      name: string
      range: number
      dtype: DType
      shape: readonly number[]
      strides: readonly number[]
      offset: number
    }[],
    device: string,
  ): Promise<TensorHandle[]>
}

/** Where a tensor's elements lie in memory. */
export interface TensorLayout {
  /** Index of the first of the tensors given that has the same storage. */
  storage: number
  /** Elements from the start of the storage to the first one. */
  offset: number
  /** In elements. */
  strides: number[]
  /** Its elements fill a range of the storage, in whatever order, each once. */
  dense: boolean
}

/** A stretch of a file: bytes or a tensor. */
export type FilePiece = (
  | { bytes: Uint8Array }
  | {
      tensor: TensorHandle
      /** Bytes of the tensor's storage, as they are; without it, its elements in row-major order. */
      range?: readonly [begin: number, end: number]
    }
) & {
  /** Where in the file the CRC-32 of this piece goes: 4 bytes, little-endian, written over what is there. */
  crcAt?: readonly number[]
}

/** native/bindings/checkpoint.cc */
export interface CheckpointBindings {
  tensorLayouts(tensors: readonly TensorHandle[]): Promise<TensorLayout[]>
  /** Creates the file, which must not exist, and syncs it before it resolves. */
  piecesToFile(path: string, pieces: readonly FilePiece[]): Promise<void>
  /**
   * CRC-32 as zip files have it, going on from `before`, that of the bytes before (0 at the start). `plain`:
   * by the reference instead of the fast instructions.
   */
  crc32(bytes: Uint8Array, before: number, plain: boolean): number
}

/** Parameters and buffers of a module or trainer, in state-dict order. Tensors are live views, not copies. */
export interface NamedTensors {
  names: string[]
  tensors: TensorHandle[]
}

/** Parameters and buffers of a module, in state-dict order. */
export interface NamedShapes {
  names: string[]
  shapes: number[][]
  /** Tells parameters (trained) from buffers (relative_position_index). */
  isBuffer: boolean[]
}

export type ModuleKind =
  | 'beit_for_masked_image_modeling'
  | 'beit_for_image_classification'
  | 'dalle_dvae'
  | 'conv_discrete_vae'

/** native/bindings/module.cc: models and tokenizers. `config` is the validated, complete config of lib/. */
export interface ModuleBindings {
  moduleCreate(
    kind: ModuleKind,
    config: Record<string, unknown>,
    /** `seed` null: the parameters stay zero, weights are loaded next. */
    options: { device: string; dtype: DType; seed: number | null },
  ): Promise<ModuleHandle>
  /** Names and shapes of the module that moduleCreate would make; no memory is taken for it. */
  moduleShapes(kind: ModuleKind, config: Record<string, unknown>): Promise<NamedShapes>
  /** Names and shapes of a module, at once: nothing that is queued changes them. */
  moduleEntries(module: ModuleHandle): NamedShapes
  moduleState(module: ModuleHandle): Promise<NamedTensors & { isBuffer: boolean[] }>
  /** Copies into the module's tensors; names and shapes were checked by lib/. */
  moduleLoad(module: ModuleHandle, names: readonly string[], tensors: readonly TensorHandle[]): Promise<void>
  /** A module of the same weights elsewhere. */
  moduleTo(module: ModuleHandle, device: string, dtype: DType): Promise<ModuleHandle>

  /**
   * pixels (B, 3, H, W) normalised float; mask (B, N) bool or null; logits (masked, V), or (B, N, V) with
   * allTokens.
   */
  beitForward(
    module: ModuleHandle,
    pixels: TensorHandle,
    mask: TensorHandle | null,
    allTokens: boolean,
  ): Promise<TensorHandle>
  /** Final-norm features (B, N + 1, D) of a model for masked image modelling. */
  beitFeatures(module: ModuleHandle, pixels: TensorHandle, mask: TensorHandle | null): Promise<TensorHandle>
  /** The raw residual stream (B, N + 1, D) of any BEiT after each listed block (0-based). */
  beitBlockFeatures(
    module: ModuleHandle,
    pixels: TensorHandle,
    mask: TensorHandle | null,
    blocks: readonly number[],
  ): Promise<TensorHandle[]>
  /** Softmax of the attention scores of a block of any BEiT: (B, H, N + 1, N + 1), rows are queries. */
  beitAttention(
    module: ModuleHandle,
    pixels: TensorHandle,
    mask: TensorHandle | null,
    block: number,
  ): Promise<TensorHandle>
  /** Logits (B, C) of a classifier. */
  beitClassify(module: ModuleHandle, pixels: TensorHandle): Promise<TensorHandle>
  /** What the head of a classifier sees: (B, D). */
  beitPooled(module: ModuleHandle, pixels: TensorHandle): Promise<TensorHandle>

  /** pixels (B, 3, H, W) in [0, 1]; the tokenizer maps them itself. tokens int64 (B, h, w). */
  tokenizerEncode(module: ModuleHandle, pixels: TensorHandle): Promise<TensorHandle>
  /** Tokens of some places, numbered from 0 to B h w - 1, as a training step computes them: int64 (M). Pixels may be uint8. */
  tokenizerEncodeRows(
    module: ModuleHandle,
    pixels: TensorHandle,
    rows: TensorHandle,
    settings: { precision: 'fp32' | 'bf16'; optimize: 'auto' | 'off' },
  ): Promise<TensorHandle>
  /** logits (B, V, h, w) */
  tokenizerLogits(module: ModuleHandle, pixels: TensorHandle): Promise<TensorHandle>
  /** pixels (B, 3, H, W) in [0, 1] */
  tokenizerDecode(module: ModuleHandle, tokens: TensorHandle): Promise<TensorHandle>
}

/** native/bindings/adapt.cc: grids are [rows, columns] of patches. Each gives a new tensor of the same dtype. */
export interface AdaptBindings {
  /** table (R, H) -> (R', H) */
  resizeRelativePositions(
    table: TensorHandle,
    from: readonly [number, number],
    to: readonly [number, number],
  ): Promise<TensorHandle>
  /** positions (1, 1 + N, D) -> (1, 1 + N', D) */
  resizeAbsolutePositions(
    positions: TensorHandle,
    from: readonly [number, number],
    to: readonly [number, number],
  ): Promise<TensorHandle>
  /** weight (D, C, p, p) -> (D, C, side, side) */
  resamplePatchEmbedding(weight: TensorHandle, side: number): Promise<TensorHandle>
}

/** What a training step needs beside the data; `lib/` computes it from its schedules. */
export interface StepSettings {
  /** Of AdamW, before layer-wise decay. */
  learningRate: number
  /** Of AdamW: of matrices and the mask token. */
  weightDecay: number
  /** Tokenizer training only: of the relaxation. */
  temperature?: number
  /** Tokenizer training only: of the KL divergence in the loss. */
  klWeight?: number
}

/** Read back once a step. Losses are means, counts are sums over the micro-batches of the step. */
export interface StepResult {
  /** Mean over what the objective looks at. */
  loss: number
  /** Global norm before clipping; 0 for an evaluation. */
  gradientNorm: number
  /** False: loss or gradient was not finite, and weights and moments stayed as they were. */
  finite: boolean
  /** Masked image modelling: masked tokens. 0 for a tokenizer. */
  masked: number
  /**
   * Masked image modelling: masked tokens predicted right. Classification: images whose likeliest class has the largest
   * weight in their target, as it was mixed for the step.
   */
  correct: number
  /** Classification: images of the step. */
  images?: number
  /** Tokenizer training: the part of the loss that is not the KL divergence. */
  reconstruction?: number
  /** Tokenizer training: the KL divergence of the codes from uniform. */
  kl?: number
  /** How often each token was chosen as a target (masked image modelling) or code (tokenizer): int64 of V, else empty. */
  tokenCounts: BigInt64Array
  /** With `profile`: seconds of each part, in order. */
  parts?: Readonly<Record<string, number>>
  /** With `cudaGraphs`: the step was a replay of a graph. Absent: it was not. */
  replayed?: true
  /** With `cudaGraphs`: why no step is replayed, told with one step. */
  notice?: string
}

/** One micro-batch, as the image loader makes it. Images are RGB (B, 3, H, W). */
export interface BatchTensors {
  /** The model's view: uint8, or float32 that is already normalised ((x - mean) / std with x in [0, 1]). */
  pixels: TensorHandle
  /** The tokenizer's view: uint8, or float32 in [0, 1]; null when the objective has no tokenizer. */
  tokenPixels: TensorHandle | null
  /** bool (B, N); null when the objective does not mask. */
  mask: TensorHandle | null
  /** int64 (B, N) token ids computed before, instead of `tokenPixels`. */
  tokens?: TensorHandle | null
  /** Classification: int64 (B) class ids, or float32 (B, C) weights of the classes, 0 to 1. */
  targets?: TensorHandle | null
  /** Classification: what is done to the normalised images, in this order. */
  erase?: BatchErasing | null
  mix?: MixPlan | null
}

/** native/bindings/trainer.cc */
export interface TrainerBindings {
  trainerCreate(
    objective:
      | {
          kind: 'masked_image_modeling'
          model: ModuleHandle
          /** null: every batch brings its `tokens`. */
          tokenizer: ModuleHandle | null
          /** Normalisation of the model's view: (x / 255 - mean) / std per channel. */
          mean: readonly number[]
          std: readonly number[]
          /** Patches of an image that are looked at, padded with ones that the loss ignores; null: those masked. */
          maskedPatches: number | null
        }
      | {
          kind: 'discrete_vae'
          model: ModuleHandle
          reconstruction: 'mse' | 'smooth-l1' | 'logit-laplace'
          straightThrough: boolean
          /** Gumbel noise on the logits while training; false: a plain softmax with temperature. */
          noise: boolean
        }
      | {
          kind: 'image_classification'
          model: ModuleHandle
          mean: readonly number[]
          std: readonly number[]
          /** 'binary-cross-entropy' takes each class by itself. */
          loss: 'cross-entropy' | 'binary-cross-entropy'
          /** Targets become (1 - labelSmoothing) * target + labelSmoothing / C. */
          labelSmoothing: number
        },
    options: {
      betas: readonly [number, number]
      eps: number
      /** Global-norm clipping; null: none. */
      clipGradient: number | null
      precision: 'fp32' | 'bf16'
      /** 'off': libtorch's own operations instead of the fast paths; default 'auto'. */
      optimize?: 'auto' | 'off'
      /** Of each step, where its time goes (`StepResult.parts`); default false. */
      profile?: boolean
      /**
       * Masked image modelling on a GPU: after some steps of the same shapes one is recorded as a CUDA graph, and
       * those of its shapes are replayed from then on, with the same results. Where that cannot be done, steps run as
       * without, and `StepResult.notice` says why. Default false.
       */
      cudaGraphs?: boolean
      /** Of drop path and Gumbel noise. */
      seed: number
      /** Layer-wise decay of the learning rate (`layerDecayScales`); default null: none. */
      layerDecay?: number | null
      /**
       * Another module of the same configuration, whose weights follow those of the trained one after each step
       * that was not skipped: decay * average + (1 - decay) * weights. Default null: none.
       */
      ema?: { model: ModuleHandle; decay: number } | null
      /** False: the optimizer's plain reference instead of a fused kernel, libtorch's or ours; default true. */
      fused?: boolean
    },
  ): Promise<TrainerHandle>
  /**
   * One optimizer step over the micro-batches: forward, backward, clip, AdamW. On a GPU it is queued when the
   * promise resolves, and the next may be: they run in the order in which they were begun.
   */
  trainerBeginStep(
    trainer: TrainerHandle,
    microBatches: readonly BatchTensors[],
    settings: StepSettings,
  ): Promise<PendingStepHandle>
  /** Waits for the step. */
  pendingStepResult(step: PendingStepHandle): Promise<StepResult>
  /** Loss and counts without a gradient, drop path and noise off. The generator is not advanced. */
  trainerEvaluate(trainer: TrainerHandle, batch: BatchTensors, settings: StepSettings): Promise<StepResult>
  /**
   * All that a resumed run needs beside the weights: 'step' (int64 scalar: optimizer steps that were not
   * skipped), 'exp_avg.NAME', 'exp_avg_sq.NAME' for each parameter, 'generator' (uint8, the same on every
   * device). The moments are live views, the rest are copies.
   */
  trainerState(trainer: TrainerHandle): Promise<NamedTensors>
  trainerLoad(
    trainer: TrainerHandle,
    names: readonly string[],
    tensors: readonly TensorHandle[],
  ): Promise<void>
  /**
   * Gradients of the last step as the optimizer used them, so after clipping. Live views until the next step;
   * parameters that took no part in the loss are left out.
   */
  trainerGradients(trainer: TrainerHandle): Promise<NamedTensors>
  /**
   * By what the learning rate of each parameter of a BEiT is multiplied; the depth is that of the names.
   * decay ** (depth + 1) before the blocks, decay ** (depth - i) in block i, 1 behind them.
   */
  layerDecayScales(names: readonly string[], decay: number): number[]
  /**
   * For tests: trainers that are made from now on, in the whole process, record their steps on the CPU as well, as
   * functions that replays call.
   */
  emulateDeviceGraphs(emulation: 'off' | 'on' | 'capture-fails' | 'replay-fails'): Promise<void>
}

/** How the views of an image are made (native/data/two_views.h). */
export interface ViewSettings {
  /** Of crops, colours, flips and masks. */
  seed: number
  /** [height, width] of the model's view. */
  imageSize: readonly [number, number]
  /** [height, width] of the tokenizer's view; null: none. */
  tokenImageSize: readonly [number, number] | null
  /**
   * What of the image a view shows. Training: 'random-resized-crop', or 'random-crop': the image resized to
   * cover the view, `padding` black pixels around it, and of that any window of the view's size. Evaluation:
   * 'center-crop' (resize the shorter side, crop the middle) or 'whole' (resize the whole image, whatever its
   * shape).
   */
  crop: 'random-resized-crop' | 'random-crop' | 'center-crop' | 'whole'
  /** Of 'random-crop'. */
  padding: number
  /** Side of the view as a share of the shorter side that 'center-crop' resizes to; 1: no margin. */
  cropShare: number
  /** Area of the random crop as a share of the image, from and to. */
  scale: readonly [number, number]
  /** Aspect ratio of the random crop, from and to. */
  ratio: readonly [number, number]
  /** Resizing of the model's view. */
  interpolation: 'bilinear' | 'bicubic' | 'lanczos'
  /** Resizing of the tokenizer's view. */
  tokenInterpolation: 'bilinear' | 'bicubic' | 'lanczos'
  /** Of a horizontal flip, 0 to 1. */
  flipProbability: number
  /** Brightness, contrast, saturation: factor in [1 - x, 1 + x]; all 0: no jitter. */
  colorJitter: readonly [number, number, number]
  /** Of the model's view, after the resize; null: none. There is no tokenizer's view then. */
  randAugment: RandAugmentSettings | null
  /** Blockwise masking of the model's view; null: no mask. */
  mask: MaskSettings | null
  /** An image of more pixels than this is refused. */
  maxPixels: number
}

/** native/data/rand_augment.h; lib/data/rand_augment.ts makes it of `rand-m9-mstd0.5-inc1`. */
export interface RandAugmentSettings {
  /** 0 to `maxMagnitude`. */
  magnitude: number
  /** Standard deviation of the magnitude; Infinity: uniform from 0 to `magnitude`. */
  magnitudeStd: number
  /** The magnitude at which operations are strongest. */
  maxMagnitude: number
  /** Operations drawn for an image. */
  layers: number
  /** That a drawn operation is carried out. */
  probability: number
  /** Operations that do more the greater the magnitude. */
  increasing: boolean
  /** Of rotation, shear and translation. 'random': bilinear or bicubic. */
  interpolation: 'bilinear' | 'bicubic' | 'random'
  /** RGB, 0 to 255, where those find no image. */
  fill: readonly [number, number, number]
}

/** One operation of RandAugment (native/data/image_ops.h). */
export interface ImageOp {
  kind:
    | 'auto-contrast'
    | 'equalize'
    | 'invert'
    | 'rotate'
    | 'posterize'
    | 'solarize'
    | 'solarize-add'
    | 'color'
    | 'contrast'
    | 'brightness'
    | 'sharpness'
    | 'shear-x'
    | 'shear-y'
    | 'translate-x'
    | 'translate-y'
  /**
   * Degrees, bits kept, first value inverted, what is added, factor of a blend, shear, share of the side; 0
   * for the first three.
   */
  argument: number
  /** Of those that move pixels. */
  interpolation: 'bilinear' | 'bicubic'
}

/** Mixing of a batch with itself in reverse order (native/data/mixing.h). */
export interface MixSettings {
  /** Alpha of the Beta distribution of lambda; 0: none. */
  mixup: number
  cutmix: number
  /** That a batch is mixed at all. */
  probability: number
  /** Of CutMix where both are on. */
  switchProbability: number
  /** [height, width] */
  imageSize: readonly [number, number]
}

/** How the images of a batch are mixed with those of the same batch in reverse order. */
export interface MixPlan {
  /** Which of the two. */
  kind: 'mixup' | 'cutmix'
  /** Share of the image itself in the result; for CutMix corrected to the area of the box. */
  lambda: number
  /** CutMix: [top, left, height, width] of what comes from the partner. */
  box: readonly [number, number, number, number] | null
}

/** Random erasing with noise (native/data/random_erasing.h). */
export interface ErasingSettings {
  /** That an image loses anything. */
  probability: number
  /** The smallest share of the image that its boxes cover together. */
  minArea: number
  /** The largest such share. */
  maxArea: number
  /** The smallest height / width of a box, which is log-uniform. */
  minAspect: number
  /** The largest height / width. */
  maxAspect: number
  /** An image has 1 to `count` boxes. */
  count: number
}

/** Random erasing of a batch: what an image loses depends on seed, epoch and its index alone. */
export interface BatchErasing extends ErasingSettings {
  /** Of the boxes and the noise in them. */
  seed: number
  /** Every epoch has boxes of its own. */
  epoch: number
  /** One an image of the batch. */
  indices: readonly number[]
}

/** native/bindings/augmentation.cc */
export interface AugmentationBindings {
  /** What RandAugment does to sample `index`, in this order. A pure function. */
  randAugment(settings: RandAugmentSettings, seed: number, epoch: number, index: number): ImageOp[]
  /** One operation on an image; channels first, (3, height, width). `rgb` must not be transferred. */
  applyImageOp(image: RawImage, op: ImageOp, fill: readonly [number, number, number]): Promise<Uint8Array>
  /** What happens to batch `batch` of `epoch`; null: nothing. A pure function. */
  mixPlan(settings: MixSettings, seed: number, epoch: number, batch: number): MixPlan | null
  /**
   * What random erasing writes over sample `index`, one box after the other: [top, left, height, width] and
   * the values of N(0, 1), (3, height, width). A pure function.
   */
  randomErasing(
    settings: ErasingSettings,
    imageSize: readonly [number, number],
    seed: number,
    epoch: number,
    index: number,
  ): { box: [number, number, number, number]; noise: Float32Array }[]
}

/** How patches are masked. */
export interface MaskSettings {
  /** Patch grid [rows, columns]. */
  grid: readonly [number, number]
  /** 'original': blocks, at most `patches`; 'exact': topped up to it; 'random': single patches. */
  mode: 'original' | 'exact' | 'random'
  /** Masked patches of an image. */
  patches: number
  /** Of one block. */
  minPatchesPerBlock: number
  /** Of one block; null: as many as are left. */
  maxPatchesPerBlock: number | null
  /** The smallest height / width of a block; the largest is its inverse. */
  minAspect: number
}

/** One sample of a batch: where its bytes are. */
export interface SampleRequest {
  path: string
  /** Byte range inside a tar shard; offset 0 and length -1: the whole file. */
  offset: number
  length: number
  /** Index in the data set: with seed and epoch it decides every random choice. */
  index: number
}

export type SampleStatus =
  | 'ok'
  /**
   * Not a JPEG, or one that the native decoder does not take (CMYK, 12 bit): decode it with sharp, then
   * loadRaw.
   */
  | 'unsupported'
  /** Broken: `messages[i]` says why. */
  | 'broken'

export interface LoadResult {
  /** uint8 (B, 3, H, W); rows of samples that are not 'ok' are zero, in the other two tensors as well. */
  pixels: TensorHandle
  /** uint8 (B, 3, h, w) */
  tokenPixels: TensorHandle | null
  /** bool (B, N) */
  mask: TensorHandle | null
  statuses: SampleStatus[]
  /**
   * Why a sample is not 'ok'; '' for those that are. Path and offset are not in it: the caller knows them.
   */
  messages: string[]
}

/** The tensors of a batch whose rows the loader may still change: not yet given to libtorch. */
export type LoadedTensors = Pick<LoadResult, 'pixels' | 'tokenPixels' | 'mask'>

/** An image as sharp decodes it: RGB, 8 bit, rows from top to bottom without gaps. */
export interface RawImage {
  rgb: Uint8Array
  width: number
  height: number
}

/** What is done to one image, every decision given: the order is jitter, flip, crop, resize. */
export interface ImageTransform {
  /** One after the other on the whole image; each result is rounded to 8 bit. */
  jitter: readonly { kind: 'brightness' | 'contrast' | 'saturation'; factor: number }[]
  flip: boolean
  /** [left, top, width, height] in the flipped image. */
  box: readonly [number, number, number, number]
  /** [height, width] of the result. */
  size: readonly [number, number]
  interpolation: 'bilinear' | 'bicubic' | 'lanczos'
  /**
   * With other inner loops than the fastest that the processor runs: the same result, slower. 'avx2' where the
   * processor has it. For tests and benchmarks.
   */
  kernels?: 'plain' | 'avx2'
}

/**
 * native/bindings/image_loader.cc and image.cc. The loader has threads of its own and never touches libtorch.
 * Disposing its handle lets loads in flight finish; its threads end after them.
 */
export interface ImageLoaderBindings {
  /** With `pinMemory` its batches lie in pinned memory; ERR_DEVICE where no GPU is. */
  imageLoaderCreate(settings: ViewSettings, threads: number, pinMemory?: boolean): ImageLoaderHandle
  imageLoaderLoad(
    loader: ImageLoaderHandle,
    samples: readonly SampleRequest[],
    epoch: number,
  ): Promise<LoadResult>
  /**
   * Puts an image decoded elsewhere through the same views into row `row` of `result`. `rgb` must not be
   * transferred.
   */
  imageLoaderLoadRaw(
    loader: ImageLoaderHandle,
    result: LoadedTensors,
    row: number,
    sample: RawImage & { index: number },
    epoch: number,
  ): Promise<void>
  /** New tensors of the listed rows, in that order: leaves out broken samples. `result` stays as it is. */
  imageLoaderTakeRows(
    loader: ImageLoaderHandle,
    result: LoadedTensors,
    rows: readonly number[],
  ): Promise<LoadedTensors>
  /**
   * Gives up the loads that have not finished: they reject with ERR_CANCELLED, soon. Later loads do as well.
   */
  imageLoaderCancel(loader: ImageLoaderHandle): void
  /**
   * For tests: ordinary memory in place of pinned memory, on any machine. Gives the blocks taken since it was turned
   * on, and how many of them were not given back.
   */
  emulatePinnedMemory(on: boolean): { taken: number; live: number }
  /** Decodes a JPEG as the loader does; `rgb` is null unless the status is 'ok'. */
  decodeJpeg(
    bytes: Uint8Array,
    maxPixels: number,
  ): Promise<{ status: SampleStatus; message: string; rgb: Uint8Array | null; width: number; height: number }>
  /** One image through explicit decisions; channels first, (3, H, W). `rgb` must not be transferred. */
  transformImage(image: RawImage, transform: ImageTransform): Promise<Uint8Array>
  /** A random order of 0..count-1: a pure function of (seed, epoch). */
  permutation(count: number, seed: number, epoch: number): Promise<Uint32Array>
  /** Masks of the samples `indices`: uint8 of indices.length * rows * columns, 1 = masked. */
  blockwiseMask(settings: MaskSettings, seed: number, epoch: number, indices: readonly number[]): Uint8Array
  /**
   * One block of Philox4x32-10: key of 2, counter of 4 words. The source of every random decision about
   * samples.
   */
  philox(key: readonly number[], counter: readonly number[]): number[]
}

/** How a classifier is asked (native/train/classifier_scores.h). */
export interface ScoringSettings {
  /** Of uint8 pixels: (x / 255 - mean) / std per channel. */
  mean: readonly number[]
  std: readonly number[]
  /**
   * 'cross-entropy': one distribution over the classes, probabilities are a softmax; 'binary-cross-entropy':
   * each class by itself, probabilities are sigmoids.
   */
  loss: 'cross-entropy' | 'binary-cross-entropy'
  precision: 'fp32' | 'bf16'
  /** The likeliest classes of each image; null: all classes, in the order of their ids. */
  topK: number | null
}

/** Of B images and K classes each, row by row. */
export interface ClassifierScores {
  /** K: topK, or the number of classes. */
  classesPerImage: number
  /** B; empty without targets. Computed in float64 from the logits. */
  losses: Float64Array
  /** B * K ids, likeliest first, the lower id first among equals; empty without topK. */
  classes: Int32Array
  /** B * K */
  probabilities: Float32Array
}

/** native/bindings/classifier.cc */
export interface ClassifierBindings {
  /**
   * pixels (B, 3, H, W), uint8 or normalised float32; targets int64 (B) class ids or float32 (B, C) weights. Read
   * back from the device once.
   */
  classifierScores(
    module: ModuleHandle,
    pixels: TensorHandle,
    targets: TensorHandle | null,
    settings: ScoringSettings,
  ): Promise<ClassifierScores>
}

/** What of a frozen model's blocks stands for an image (native/train/frozen_features.h). */
export interface FeatureSettings {
  /** 0-based */
  blocks: readonly number[]
  /** The class token, the mean of the patches, or both side by side: D, D or 2D numbers. */
  pooling: 'cls' | 'mean' | 'concat'
  /** Of uint8 pixels: (x / 255 - mean) / std per channel. */
  mean: readonly number[]
  std: readonly number[]
  precision: 'fp32' | 'bf16'
}

/** More than a probe asks for. */
export interface ExtractionSettings extends Omit<FeatureSettings, 'blocks' | 'pooling'> {
  /** null: what follows the last block, as one layer, which a classifier pools as its head does. */
  blocks: readonly number[] | null
  /** 'patches': each of them, N x D numbers. */
  pooling: FeatureSettings['pooling'] | 'patches'
}

/**
 * native/bindings/probe.cc. A bank holds the features of a data set: float32 (N, L, F), for N images, L layers
 * and F features each.
 */
export interface ProbeBindings {
  /** pixels (B, 3, H, W), uint8 or normalised float32 -> float32 (B, L, F), or (B, L, N, D) of patches, L the number of blocks. */
  beitPooledFeatures(
    module: ModuleHandle,
    pixels: TensorHandle,
    settings: ExtractionSettings,
  ): Promise<TensorHandle>
  /** All zero. With a path its memory is a new file, whose name is gone when this resolves. */
  featureBank(rows: number, layers: number, width: number, path: string | null): Promise<TensorHandle>
  /** Copies features (B, L, F) into the rows from `start` on. */
  featureBankWrite(bank: TensorHandle, start: number, features: TensorHandle): Promise<void>
  /** The first `rows` of one layer, of its columns from..to - 1, on `device` and scaled to unit length. */
  featureLayer(
    bank: TensorHandle,
    layer: number,
    rows: number,
    columns: readonly [from: number, to: number],
    device: string,
  ): Promise<TensorHandle>
  /**
   * Votes of the nearest rows of `bank` (N, F), with the classes `labels` int64 (N), for `queries` (Q, F), all of
   * unit length and on one device: int64 (neighbours, Q), a class for each number of neighbours and query.
   */
  knnClassify(
    bank: TensorHandle,
    labels: TensorHandle,
    queries: TensorHandle,
    /** `neighbours` rise and are at most N; ERR_INVALID_ARGUMENT otherwise. */
    vote: { neighbours: readonly number[]; temperature: number; classes: number },
  ): Promise<TensorHandle>
  linearProbeCreate(
    size: { layers: number; features: number; classes: number },
    options: { device: string; seed: number; betas: readonly [number, number]; eps: number },
  ): Promise<LinearProbeHandle>
  /**
   * One AdamW step of all layers on features (B, L, F) with targets int64 (B), or on the `rows` (int32) of both.
   * Loss and hits are added to the totals.
   */
  linearProbeStep(
    probe: LinearProbeHandle,
    features: TensorHandle,
    targets: TensorHandle,
    rows: TensorHandle | null,
    settings: { learningRate: number; weightDecay: number },
  ): Promise<void>
  /** Adds to the totals alone. */
  linearProbeEvaluate(
    probe: LinearProbeHandle,
    features: TensorHandle,
    targets: TensorHandle,
    rows: TensorHandle | null,
  ): Promise<void>
  /** Sums over the images since the last call, one a layer. */
  linearProbeTotals(probe: LinearProbeHandle): Promise<{ loss: number[]; correct: number[]; images: number }>
  /** weight (L, C, F), bias (L, C): live views. */
  linearProbeWeights(probe: LinearProbeHandle): Promise<[weight: TensorHandle, bias: TensorHandle]>
}

/** native/bindings/operation.cc */
export interface OperationBindings {
  /**
   * One of native/ops/operations.cc by itself, for tests and benchmarks. With `gradients`, weights of the outputs,
   * also the gradients of sum(outputs * weights) for each floating-point tensor given; null where there is none.
   */
  runOperation(
    name: string,
    tensors: readonly (TensorHandle | null)[],
    numbers: Readonly<Record<string, number>>,
    settings: {
      precision: 'fp32' | 'bf16'
      optimize: 'auto' | 'off'
      gradients?: readonly (TensorHandle | null)[] | null
    },
  ): Promise<{ outputs: (TensorHandle | null)[]; gradients: (TensorHandle | null)[] }>
  /** Why the own CUDA kernels (beit_cuda.so beside the addon) cannot be used; null: they can where a GPU is. */
  cudaKernelsProblem(): Promise<string | null>
  /**
   * For tests: a library of the CUDA kernels as plain C++, which take tensors of the CPU from now on, in the whole
   * process; null: no longer.
   */
  emulateCudaKernels(path: string | null): Promise<void>
  /**
   * For benchmarks: FLOP/s of the device on matrices of `side` by `side`, bfloat16 on a GPU and float32 on a CPU, and
   * the bytes a second, read and written, of copies of `bytes`.
   */
  deviceRates(device: string, side: number, bytes: number): Promise<{ arithmetic: number; memory: number }>
}

export type NativeBindings = RuntimeBindings &
  TensorBindings &
  CheckpointBindings &
  ModuleBindings &
  AdaptBindings &
  TrainerBindings &
  ClassifierBindings &
  ProbeBindings &
  OperationBindings &
  AugmentationBindings &
  ImageLoaderBindings
