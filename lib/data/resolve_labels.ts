/** From written labels to targets: every label of a set looked at, ids by name, one kind for all. */
import { setImmediate as breathe } from 'node:timers/promises'
import { BeitError } from '../errors.js'
import { suggest } from '../options.js'
import type { ImageSource } from './image_source.js'
import type { LabelTable, LabelValue, WrittenTarget } from './label_table.js'
import type { Target, TargetKind } from './labels.js'

/** All targets of a set: an Int32Array of ids where each image has one class. */
export interface CollectedTargets {
  kind: TargetKind
  targets: ArrayLike<Target>
}

/** Images between two turns of the event loop. */
const SLICE = 8192

/**
 * The target of every image of `source`. One image with weights makes weights of all; one with a list makes
 * lists of all.
 * @throws BeitError ERR_DATA naming the first image whose label is missing or cannot be
 */
export async function collectTargets(
  source: ImageSource,
  table: LabelTable,
  classes: readonly string[],
): Promise<CollectedTargets> {
  const resolver = new Resolver(table, classes)
  const targets: Target[] = []
  let kind: TargetKind = 'class'
  for (let index = 0; index < source.length; index++) {
    if (index % SLICE === SLICE - 1) await breathe()
    const sample = source.sample(index)
    const written = table.get(index, sample)
    if (written === undefined) throw missing(source, table, sample.key)
    const target = resolver.target(sample.key, written)
    if (target instanceof Map) kind = 'weights'
    else if (typeof target !== 'number' && kind === 'class') kind = 'classes'
    targets.push(target)
  }
  if (kind === 'class') return { kind, targets: Int32Array.from(targets as number[]) }
  return { kind, targets: targets.map(kind === 'weights' ? asWeights : asList) }
}

const asList = (target: Target) => (typeof target === 'number' ? [target] : target)
const asWeights = (target: Target) => {
  if (target instanceof Map) return target
  return new Map((asList(target) as readonly number[]).map((id) => [id, 1]))
}

function missing(source: ImageSource, table: LabelTable, key: string): BeitError {
  const where = table.name === source.name ? `${source.name}: ` : `${table.name} has no label for `
  const what =
    table.name === source.name ? `the image ${key} has no label` : `the image ${key} of ${source.name}`
  return new BeitError('ERR_DATA', `${where}${what}; give each image one, or leave the image out`)
}

const DIGITS = /^\d{1,9}$/

class Resolver {
  readonly #ids: ReadonlyMap<string, number>
  /** Has a class a name of digits alone? */
  readonly #digitNames: boolean

  constructor(
    private readonly table: LabelTable,
    private readonly classes: readonly string[],
  ) {
    this.#ids = new Map(classes.map((name, id) => [name, id]))
    this.#digitNames = classes.some((name) => DIGITS.test(name))
  }

  target(key: string, written: WrittenTarget): Target {
    if (typeof written !== 'object') return this.#id(key, written)
    if (Array.isArray(written)) return this.#list(key, written as readonly LabelValue[])
    return this.#weights(key, written as Readonly<Record<string, number>>)
  }

  #list(key: string, written: readonly LabelValue[]): readonly number[] {
    const ids = written.map((label) => this.#id(key, label))
    if (new Set(ids).size < ids.length) throw this.#refuse(key, `a class twice: ${JSON.stringify(written)}`)
    return ids.sort((a, b) => a - b)
  }

  #weights(key: string, written: Readonly<Record<string, number>>): ReadonlyMap<number, number> {
    const weights = Object.entries(written).map(([label, weight]): [number, number] => {
      if (!(weight >= 0 && weight <= 1)) {
        throw this.#refuse(key, `the weight ${weight} of ${JSON.stringify(label)}, expected 0 to 1`)
      }
      // The keys of an object are text, whatever was meant.
      return [this.#id(key, label, true), weight]
    })
    return new Map(weights.filter(([, weight]) => weight > 0).sort(([a], [b]) => a - b))
  }

  /** @param digitsAreIds is the text '3' an id, where no class has a name of digits? */
  #id(key: string, label: LabelValue, digitsAreIds = this.table.digitsAreIds): number {
    const { classes } = this
    if (typeof label === 'string') {
      const id = this.#ids.get(label)
      if (id !== undefined) return id
      if (!digitsAreIds || this.#digitNames || !DIGITS.test(label)) {
        const names = classes.length > 20 ? `the ${classes.length} classes` : 'the classes'
        const hint = suggest(label, classes.length > 20 ? classes.slice(0, 20) : classes)
        throw this.#refuse(key, `the class ${JSON.stringify(label)}, which is not among ${names}${hint}`)
      }
    } else {
      this.#refuseTwoMeanings(key, label)
    }
    const id = Number(label)
    if (Number.isInteger(id) && id >= 0 && id < classes.length) return id
    const range = `an integer from 0 to ${classes.length - 1} (${classes.length} classes)`
    throw this.#refuse(key, `the label ${label}, expected ${range}`)
  }

  /** A number is an id, and a class that is called so by chance may be meant. */
  #refuseTwoMeanings(key: string, label: number): void {
    const named = this.#ids.get(String(label))
    if (named === undefined || named === label) return
    const asId = JSON.stringify(this.classes[label])
    throw this.#refuse(
      key,
      `the label ${label}, which is the id of ${asId ?? 'no class'} and the name of another class: ` +
        `write "${label}" for the class of this name`,
    )
  }

  #refuse(key: string, what: string): BeitError {
    return new BeitError('ERR_DATA', `${this.table.name}: the image ${key} has ${what}`)
  }
}
