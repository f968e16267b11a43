/**
 * The life of native handles: `dispose()`, `using`, `scope()`, and the finalizers of the addon as a backstop.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
import { native } from './binding.js'
import { BeitError, COPY, invalidArgument } from './errors.js'
import { packageRoot } from './installation.js'
import type { Handle } from './native.js'

/** What a scope() will dispose. */
type Scope = Set<Disposable<string>>

/** The scope that is open here, across awaits. */
const openScope = new AsyncLocalStorage<Scope>()

/**
 * An object that holds native memory.
 *
 * @example
 * using tensor = Tensor.from([1, 2, 3]) // freed at the end of the block
 */
export abstract class Disposable<Kind extends string> {
  #handle: Handle<Kind> | null
  #scope: Scope | undefined

  /** @internal */
  constructor(handle: Handle<Kind>) {
    if (!types.isExternal(handle)) throw notByNew(new.target)
    this.#handle = handle
    this.moveTo(openScope.getStore())
  }

  /** @internal */
  get [COPY](): string {
    return packageRoot
  }

  /** @internal Leaves the scope it is in for another, or for none. */
  moveTo(scope: Scope | undefined): void {
    this.#scope?.delete(this)
    this.#scope = scope
    scope?.add(this)
  }

  /** @internal */
  get handle(): Handle<Kind> {
    if (this.#handle === null) {
      throw new BeitError(
        'ERR_DISPOSED',
        `this ${this.constructor.name} was disposed; keep it alive, or keep() it out of its scope()`,
      )
    }
    return this.#handle
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#handle === null
  }

  /**
   * Frees the native memory now. Work already queued with it still finishes. Calling it again does nothing.
   */
  dispose(): void {
    if (this.#handle === null) return
    native().dispose(this.#handle)
    this.#handle = null
    // A long loop in one scope must not fill it with what was freed.
    this.moveTo(undefined)
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/**
 * Runs `body` and disposes every tensor and model made in it, across awaits, except those in what it returns
 * (looked for in arrays, maps and plain objects) and those passed to `keep`.
 *
 * @example
 * const features = await scope(async () => {
 *   const pixels = Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32])
 *   return model.features(pixels) // survives; pixels does not
 * })
 */
export function scope<T>(body: () => T): T {
  if (typeof body !== 'function') throw invalidArgument('body', 'a function', body)
  const made: Scope = new Set()
  const outer = openScope.getStore()
  const end = (result?: unknown) => {
    for (const item of disposablesIn(result)) if (made.has(item)) item.moveTo(outer)
    for (const item of [...made]) item.dispose()
  }
  let result: T
  try {
    result = openScope.run(made, body)
  } catch (error) {
    end()
    throw error
  }
  // Of another realm, or a query that begins when it is awaited: what has a then is awaited like a promise.
  if (isThenable(result)) {
    const awaited = openScope.run(made, () => Promise.resolve(result as PromiseLike<unknown>))
    return awaited.then(
      (value) => {
        end(value)
        return value
      },
      (error) => {
        end()
        throw error
      },
    ) as T
  }
  end(result)
  return result
}

/**
 * Takes a tensor or model out of the scope it was made in: the caller disposes it.
 *
 * @example
 * const mean = await scope(async () => keep(Tensor.from([0.5, 0.5, 0.5])))
 * mean.dispose()
 */
export function keep<T extends Disposable<string>>(item: T): T {
  if (!(item instanceof Disposable)) throw invalidArgument('item', 'a tensor or model', item)
  item.moveTo(undefined)
  return item
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null)?.then === 'function'

/** PyTorch's habit: its modules and tensors are made by their constructors. */
function notByNew(made: { name: string }): BeitError {
  const makers = ['from', 'create', 'load']
    .filter((name) => name in made)
    .map((name) => `${made.name}.${name}`)
  const how = makers.length > 0 ? `: use ${makers.join(' or ')}` : ''
  return new BeitError('ERR_INVALID_ARGUMENT', `a ${made.name} is not made by new${how}`)
}

function* disposablesIn(value: unknown, seen = new Set<unknown>()): Generator<Disposable<string>> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof Disposable) yield value
  else if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    for (const item of value.values()) yield* disposablesIn(item, seen)
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* disposablesIn(item, seen)
  }
}

/**
 * What native objects hold at this moment in this thread: models and tensors that were not disposed or
 * collected.
 * @example
 * const { handles, bytes } = memory()
 */
export function memory(): { handles: number; bytes: number } {
  return native().memory()
}
