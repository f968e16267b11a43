/** Where the time of a run's steps went: sums over its profiled steps. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../checkpoint/atomic_file.js'
import type { RunEvent } from '../train/events.js'
import { percent } from './format.js'
import { columns } from './table.js'

/** Of a run folder. */
export const PROFILE_FILE = 'profile.json'

/** What profile.json holds. */
export interface ProfileSummary {
  /** That were profiled. */
  steps: number
  /** Of these steps. */
  images: number
  /** Of a step, the mean. */
  secondsPerStep: number
  /** Mean over them. */
  imagesPerSecond: number
  /** Mean seconds of a step and share of its time, the parts in the order in which they come. */
  parts: { name: string; secondsPerStep: number; share: number }[]
}

/**
 * Adds up the `parts` of step events, which a run has with `profile: true`.
 *
 * @example
 * const profile = new StepProfile()
 * for await (const event of pretrain({ ...options, profile: true })) profile.update(event)
 * console.log(profile.table().join('\n'))
 */
export class StepProfile {
  #steps = 0
  #images = 0
  #seconds = 0
  readonly #parts = new Map<string, number>()

  /** Counts a profiled step; other events change nothing. The first step of a process warms up and is left out. */
  update(event: RunEvent): void {
    if (event.type !== 'step' || event.parts === undefined) return
    if (this.#steps++ === 0) return
    this.#images += event.imagesPerSecond * event.seconds
    this.#seconds += event.seconds
    for (const [name, seconds] of Object.entries(event.parts)) {
      this.#parts.set(name, (this.#parts.get(name) ?? 0) + seconds)
    }
  }

  /** null before the second profiled step. */
  summary(): ProfileSummary | null {
    const steps = this.#steps - 1
    if (steps < 1) return null
    return {
      steps,
      images: Math.round(this.#images),
      secondsPerStep: this.#seconds / steps,
      imagesPerSecond: this.#images / this.#seconds,
      parts: [...this.#parts].map(([name, seconds]) => ({
        name,
        secondsPerStep: seconds / steps,
        share: seconds / this.#seconds,
      })),
    }
  }

  /** Lines of text: a part a line, then the sum; none before the second profiled step. */
  table(): string[] {
    const summary = this.summary()
    if (summary === null) return []
    const milliseconds = (seconds: number) => (seconds * 1000).toFixed(1)
    const rows = summary.parts.map(({ name, secondsPerStep, share }) => [
      name,
      milliseconds(secondsPerStep),
      percent(share),
    ])
    const all = ['all', milliseconds(summary.secondsPerStep), percent(1)]
    const head = `time of a step, mean of ${summary.steps} (${summary.imagesPerSecond.toFixed(1)} images/s)`
    return [head, ...columns([['part', 'ms', 'share'], ...rows, all], [1, 2]).map((line) => `  ${line}`)]
  }

  /** Writes profile.json into a run folder; nothing where no step was profiled. Gives its path. */
  async save(folder: string): Promise<string | null> {
    const summary = this.summary()
    if (summary === null) return null
    const path = join(folder, PROFILE_FILE)
    const text = `${JSON.stringify(summary, null, 2)}\n`
    await replaceFile(path, (temporary) => writeFile(temporary, text, { flush: true }))
    return path
  }
}
