/** A few patches for each code, as even a choice as a pass over the images can make. */
import type { RgbImage } from './rgb_image.js'

interface Example {
  /** Decides which are kept: the smallest. */
  lot: number
  patch: RgbImage
}

/** Counts codes and keeps up to `limit` patches of each. The same images in the same order keep the same patches. */
export class CodeExamples {
  /** How often each code was chosen. */
  readonly counts: Float64Array
  /** Images seen. */
  images = 0
  readonly #kept = new Map<number, Example[]>()

  constructor(
    vocabSize: number,
    private readonly limit: number,
    private readonly seed: number,
  ) {
    this.counts = new Float64Array(vocabSize)
  }

  /** @param patchAt cuts the patch of a token out of the image */
  add(tokens: BigInt64Array, patchAt: (place: number) => RgbImage): void {
    const chosen = new Map<number, { place: number; lot: number }>()
    for (const [place, token] of tokens.entries()) {
      const code = Number(token)
      ;(this.counts[code] as number)++
      const lot = drawLot(this.seed, this.images, place)
      // One an image: neighbours in a sky say nothing that one of them does not.
      if (lot < (chosen.get(code)?.lot ?? Infinity)) chosen.set(code, { place, lot })
    }
    for (const [code, { place, lot }] of chosen) this.#keep(code, lot, () => patchAt(place))
    this.images++
  }

  /** The patches kept of a code. */
  of(code: number): RgbImage[] {
    return (this.#kept.get(code) ?? []).map(({ patch }) => patch)
  }

  #keep(code: number, lot: number, patch: () => RgbImage): void {
    const kept = this.#kept.get(code) ?? []
    this.#kept.set(code, kept)
    if (kept.length === this.limit) {
      if (lot >= (kept.at(-1) as Example).lot) return
      kept.pop()
    }
    const place = kept.findIndex((other) => other.lot > lot)
    kept.splice(place < 0 ? kept.length : place, 0, { lot, patch: patch() })
  }
}

/** A number that looks random, a function of its arguments: the finaliser of MurmurHash3 over each of them. */
function drawLot(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9
  for (const number of numbers) {
    hash ^= number >>> 0
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}
