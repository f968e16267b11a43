/** The inputs that are worth mutating: those that ended in a way not seen before. */
import { CONTAINERS, type Container, type Input } from './inputs.js'
import type { Random } from './random.js'

/** Of one kind; a new one then takes the place of another. */
const MAX_KIND = 4000

export class Corpus {
  readonly #random: Random
  readonly #seen = new Set<string>()
  /** By container: those that were read, from which most can be reached, and those that were refused. */
  readonly #read = new Map<Container, Input[]>()
  readonly #refused = new Map<Container, Input[]>()

  constructor(random: Random) {
    this.#random = random
  }

  /** Ways to end. */
  get ways(): number {
    return this.#seen.size
  }

  /** Keeps an input whose signature is new. */
  add(input: Input, isRead: boolean, signature: string): void {
    const way = `${input.container} ${signature}`
    if (this.#seen.has(way)) return
    this.#seen.add(way)
    const kinds = isRead ? this.#read : this.#refused
    const kind = kinds.get(input.container) ?? []
    kinds.set(input.container, kind)
    if (kind.length < MAX_KIND) kind.push(input)
    else kind[this.#random.below(MAX_KIND)] = input
  }

  /** An input to mutate: each container as often as the others, and most often one that was read. */
  pick(): Input {
    for (;;) {
      const container = this.#random.pick(CONTAINERS)
      const kinds = this.#random.chance(0.7) ? this.#read : this.#refused
      const kind = kinds.get(container)
      if (kind !== undefined) return this.#random.pick(kind)
    }
  }
}
