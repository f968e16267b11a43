/** What a part of the benchmark is. */
import type { Size } from './sizes.js'

export interface BenchOptions {
  size: Size
  device: string
  /** Steps of each party that are counted. */
  rounds: number
  /** Of the peer: 'sdpa' or 'eager'. */
  attention: string
  /** Takes what happens, a line at a time. */
  report: (line: string) => void
}

/** A part: measures, says its result as text, and draws it where it is a curve. */
export interface Part<Result> {
  /** Of its files and of its place in docs/performance.md. */
  name: string
  /** Runs only where it is named. */
  byNameOnly?: boolean
  run(options: BenchOptions): Promise<Result>
  markdown(result: Result): string
  /** SVG. */
  draw?(result: Result): string
}
