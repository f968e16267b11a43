/** From written labels to targets: every label of a set looked at, ids by name, one kind for all. */
import { BeitError } from '../errors.js'
import { suggest } from '../options.js'
import { countCooperatively } from './cooperative.js'
import type { ImageSource } from './image_source.js'
import type { LabelTable, LabelValue, WrittenTarget } from './label_table.js'
import type { LabelledImages, Target, TargetKind } from './labels.js'

/** All targets of a set: an Int32Array of ids where each image has one class. */
export interface CollectedTargets {
  kind: TargetKind
  targets: ArrayLike<Target>
}

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
  await countCooperatively(source.length, (index) => {
    const sample = source.sample(index)
    const written = table.get(index, sample)
    if (written === undefined) throw missing(source, table, sample.key)
    const target = resolver.target(sample.key, written)
    if (target instanceof Map) kind = 'weights'
    else if (typeof target !== 'number' && kind === 'class') kind = 'classes'
    targets.push(target)
  })
  if (kind === 'class') return { kind, targets: Int32Array.from(targets as number[]) }
  return { kind, targets: targets.map(kind === 'weights' ? asWeights : asList) }
}

/**
 * Looks at every target that a set has by itself.
 * @throws BeitError ERR_DATA naming the first image whose target cannot be, or is not of the set's kind
 */
export async function checkTargets(images: LabelledImages): Promise<void> {
  const { name, classes, targetKind } = images
  const resolver = new Resolver({ name, digitsAreIds: false }, classes)
  await countCooperatively(images.length, (index) => {
    const target = images.targets(index)
    // What nearly every image has: its name is not asked for.
    if (targetKind === 'class' && isId(target, classes.length)) return
    resolver.check(images.sample(index).key, target, targetKind)
  })
}

const isId = (id: unknown, classes: number) =>
  Number.isInteger(id) && (id as number) >= 0 && (id as number) < classes

const EXPECTED: Record<TargetKind, string> = {
  class: 'the id of a class',
  classes: 'an array of ids',
  weights: 'a Map of ids to weights',
}

const isOfKind = (target: unknown, kind: TargetKind) => {
  if (kind === 'class') return typeof target === 'number'
  return kind === 'classes' ? Array.isArray(target) : target instanceof Map
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
    private readonly table: Pick<LabelTable, 'name' | 'digitsAreIds'>,
    private readonly classes: readonly string[],
  ) {
    this.#ids = new Map(classes.map((name, id) => [name, id]))
    this.#digitNames = classes.some((name) => DIGITS.test(name))
  }

  target(key: string, written: WrittenTarget): Target {
    if (typeof written !== 'object') return this.#id(key, written)
    if (Array.isArray(written)) return this.#list(key, written as readonly LabelValue[])
    return this.#weights(key, Object.entries(written as Readonly<Record<string, number>>))
  }

  /** The same checks of a target in ids, of a set that says it has targets of this kind. */
  check(key: string, target: Target, kind: TargetKind): void {
    if (!isOfKind(target, kind)) throw this.#refuse(key, `the target ${target}, expected ${EXPECTED[kind]}`)
    const ids = target instanceof Map ? [...target.keys()] : [target].flat()
    const named = ids.find((id) => typeof id !== 'number')
    if (named !== undefined) throw this.#refuse(key, `the label ${named}, expected ${this.#range}`)
    if (target instanceof Map) this.#weights(key, [...target])
    else this.#list(key, ids as readonly number[])
  }

  #list(key: string, written: readonly LabelValue[]): readonly number[] {
    const ids = written.map((label) => this.#id(key, label))
    if (new Set(ids).size < ids.length) throw this.#refuse(key, `a class twice: ${JSON.stringify(written)}`)
    return ids.sort((a, b) => a - b)
  }

  #weights(key: string, written: readonly (readonly [LabelValue, number])[]): ReadonlyMap<number, number> {
    const weights = written.map(([label, weight]): [number, number] => {
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
    if (isId(id, classes.length)) return id
    throw this.#refuse(key, `the label ${label}, expected ${this.#range}`)
  }

  get #range(): string {
    return `an integer from 0 to ${this.classes.length - 1} (${this.classes.length} classes)`
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
