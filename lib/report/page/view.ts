/** What the reader has chosen to see, which all charts of the page share. */

export class View {
  /** Steps that are shown; null: all. */
  domain: readonly [number, number] | null = null
  /** The step whose values are read out; null: the last one of each curve. */
  cursor: number | null = null
  /** Weight of what came before in the moving average, 0 to 1, as TensorBoard has it. */
  smoothing = 0.6
  /** Keys of runs, or of the series of one panel, that are not drawn. */
  readonly hidden = new Set<string>()
  /** Ids of panels on a logarithmic scale. */
  readonly logarithmic = new Set<string>()
  readonly #onChange: (what: 'curves' | 'cursor') => void

  constructor(onChange: (what: 'curves' | 'cursor') => void) {
    this.#onChange = onChange
  }

  changed(): void {
    this.#onChange('curves')
  }

  point(step: number | null): void {
    if (step === this.cursor) return
    this.cursor = step
    this.#onChange('cursor')
  }

  /** Shows `from` to `to`, which need not be in order, or everything. */
  zoomTo(domain: readonly [number, number] | null, whole: readonly [number, number]): void {
    this.domain = domain === null ? null : clamped(domain, whole)
    this.changed()
  }

  /** Shows `factor` times as many steps around the cursor, or the middle. */
  zoomBy(factor: number, whole: readonly [number, number]): void {
    const [low, high] = this.domain ?? whole
    const inside = this.cursor !== null && this.cursor >= low && this.cursor <= high
    const around = inside ? (this.cursor as number) : (low + high) / 2
    this.zoomTo([around - (around - low) * factor, around + (high - around) * factor], whole)
  }

  toggle(set: Set<string>, key: string): void {
    if (!set.delete(key)) set.add(key)
    this.changed()
  }
}

/** Narrower than this, in steps, there is nothing to see. */
const NARROWEST = 2

/** In order, inside of `whole`, and not too narrow; null where that is everything. */
export function clamped(
  [a, b]: readonly [number, number],
  [first, last]: readonly [number, number],
): [number, number] | null {
  let [low, high] = [Math.max(first, Math.min(a, b)), Math.min(last, Math.max(a, b))]
  if (high - low < NARROWEST) {
    const middle = Math.min(last - NARROWEST / 2, Math.max(first + NARROWEST / 2, (low + high) / 2))
    low = middle - NARROWEST / 2
    high = middle + NARROWEST / 2
  }
  return low <= first && high >= last ? null : [Math.max(first, low), Math.min(last, high)]
}
