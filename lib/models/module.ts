/**
 * What models and tokenizers have in common: named tensors, saving, loading, moving, and how they show
 * themselves.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { native } from '../binding.js'
import { type Companions, NO_COMPANIONS } from '../checkpoint/naming/companions.js'
import type { LoadReport } from '../checkpoint/naming/report.js'
import { Disposable } from '../dispose.js'
import { invalidArgument } from '../errors.js'
import { isOutermost, titled } from '../inspection.js'
import type { ModuleHandle, ModuleKind, TensorHandle } from '../native.js'
import { checkNames } from '../options.js'
import { type DType, Tensor } from '../tensor.js'
import type { LoadOptions } from './module_options.js'
import { type SaveOptions, saveModule } from './save_module.js'
import { compareState, type StateDifference, type StateEntry } from './state_difference.js'
import { summaryTable } from './summary.js'

/**
 * A model or tokenizer that lives in libtorch. Free it with `dispose()`, `using`, or `scope()`.
 *
 * @example
 * const parts: Module[] = [model, tokenizer]
 * for (const part of parts) console.log(await part.parameterCount())
 * console.log(await model.summary())
 */
export abstract class Module extends Disposable<'module'> {
  /** Every switch of the architecture, complete. */
  abstract readonly config: object
  /** 'cpu' or 'cuda:N' */
  readonly device: string
  /** Of the parameters. */
  readonly dtype: DType
  /** What `load` made of the file: its format and naming, and what was assumed or left out; else null. */
  loadReport: LoadReport | null = null
  /** @internal What `save` writes beside the weights and the configuration. */
  get companions(): Companions {
    return NO_COMPANIONS
  }
  protected abstract readonly moduleKind: ModuleKind
  /** How many parts of a tensor's name make a row of the summary. */
  protected readonly summaryDepth: number = 2

  /** @internal Modules are made by `create` and `load`. */
  constructor(handle: ModuleHandle, options: Required<LoadOptions>) {
    super(handle)
    this.device = options.device
    this.dtype = options.dtype
  }

  /**
   * Parameters and buffers by the original's names, in its order. The tensors are live views: they show later
   * training, and disposing one leaves the module whole. A view keeps its memory after the module is
   * disposed.
   */
  async stateDict(): Promise<Map<string, Tensor>> {
    const { names, tensors } = await native().moduleState(this.handle)
    return new Map(names.map((name, i) => [name, new Tensor(tensors[i] as TensorHandle)]))
  }

  /**
   * Copies `state` into this module, converting dtype and device. Buffers may be missing: they follow from
   * the config.
   *
   * @param options.strict true (default): every parameter must be there and nothing else may be. false: what
   * fits is loaded, and the names that do not are returned. A different shape is an error either way.
   * @throws BeitError ERR_CHECKPOINT_MISMATCH naming what is missing, unexpected, or of another shape;
   * nothing is loaded then.
   */
  async loadStateDict(
    state: ReadonlyMap<string, Tensor>,
    options: { strict?: boolean } = {},
  ): Promise<Pick<StateDifference, 'missing' | 'unexpected'>> {
    if (!(state instanceof Map)) throw invalidArgument('state', 'a Map of names to Tensors', state)
    checkNames('loadStateDict', ['strict'], options)
    const entries = this.#entries()
    const difference = compareState(entries, state)
    difference.throwIfMismatch(this.constructor.name, options.strict ?? true)
    const names = entries.map((entry) => entry.name).filter((name) => state.has(name))
    await native().moduleLoad(
      this.handle,
      names,
      names.map((name) => (state.get(name) as Tensor).handle),
    )
    return { missing: difference.missing, unexpected: difference.unexpected }
  }

  /** Names and shapes of the trained tensors, in state-dict order. */
  async parameterShapes(): Promise<{ name: string; shape: readonly number[] }[]> {
    return this.#entries().filter((entry) => !entry.isBuffer)
  }

  /** Number of trained numbers; buffers are not counted. */
  async parameterCount(): Promise<number> {
    const parameters = await this.parameterShapes()
    return parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
  }

  /** A table of the module's parts: their shapes, and their parameters as a number and a share of all. */
  async summary(): Promise<string> {
    const title = `${this.constructor.name}(${this.#about().join(', ')})`
    return [title, ...summaryTable(this.#entries(), this.summaryDepth)].join('\n')
  }

  /**
   * Writes weights and config as one file: to a temporary name, synced, renamed. An existing file is replaced
   * as a whole. A .safetensors file has the config in its metadata; a .pth file is a dict of 'model', the
   * state dict, and 'metadata', for torch.load(path, weights_only=True).
   *
   * @param options.format default: by the extension, .safetensors, or .pth, .pt and .bin
   * @param options.naming whose names the tensors get: 'unilm' (default), 'timm' or 'transformers'. With
   * transformers' names a `config.json`, and where `preprocessing` is known a `preprocessor_config.json`, is written beside the file: its `from_pretrained` reads a folder with
   * both when the file is called `model.safetensors`.
   * @throws BeitError ERR_INVALID_ARGUMENT for a naming that has no such model, or an extension that tells no
   * format; ERR_IO when the folder cannot be written.
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    await saveModule(this, this.moduleKind, path, options)
  }

  #about(): string[] {
    return [this.describe(), this.dtype, this.device, ...(this.disposed ? ['disposed'] : [])]
  }

  #entries(): StateEntry[] {
    const { names, shapes, isBuffer } = native().moduleEntries(this.handle)
    return names.map((name, i) => ({ name, shape: shapes[i] as number[], isBuffer: isBuffer[i] === true }))
  }

  /**
   * The architecture in a line; below it the table of {@link summary} where the module itself is shown and not something
   * that holds it. With a depth of 3 or more, or null, the table has a row for each tensor.
   */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const title = titled(this.constructor.name, this.#about(), depth, options)
    if (this.disposed || !isOutermost(depth, options)) return title
    const parts = depth === null || depth > 2 ? Infinity : this.summaryDepth
    return [title, ...summaryTable(this.#entries(), parts, options.stylize)].join('\n')
  }

  /** The architecture in a few words. */
  protected abstract describe(): string
}
