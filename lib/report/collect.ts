/** From a run folder to what a report shows of it. */
import { join, relative, resolve, sep } from 'node:path'
import { METRICS_FILE } from '../log/metrics_file.js'
import { runName, SETTINGS_FILE } from '../train/run_folder.js'
import { RUN_KINDS } from '../train/run_kind.js'
import { isTrainedInto } from '../train/run_lock.js'
import { highlightsOf, progressOf, sectionsOf } from './facts.js'
import { MetricsTail } from './metrics_tail.js'
import { curvesOf } from './panels.js'
import { PictureReader } from './pictures.js'
import type { RunData, RunState } from './report_data.js'
import type { RunHistory } from './run_history.js'
import { readJson, tablesOf } from './tables.js'

/** Reads a run folder, again and again as the run goes on: metrics and pictures only where they are new. */
export class RunReader {
  readonly folder: string
  readonly #tail: MetricsTail
  readonly #pictures: PictureReader
  #settings: Record<string, unknown> = {}
  #reading: Promise<void> | null = null

  constructor(folder: string) {
    this.folder = resolve(folder)
    this.#tail = new MetricsTail(join(this.folder, METRICS_FILE))
    this.#pictures = new PictureReader(this.folder)
  }

  get history(): RunHistory {
    return this.#tail.history
  }

  /** settings.json, as the last {@link read} found it. */
  get settings(): Record<string, unknown> {
    return this.#settings
  }

  /** Takes in what is new. Two at a time are one. */
  read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    await this.#tail.read()
    this.#settings = (await readJson(join(this.folder, SETTINGS_FILE))) ?? this.history.start?.config ?? {}
  }

  /**
   * @param points of a curve, at most
   * @param from folder that links begin in; null: no links
   */
  async describe({ points, from }: { points: number; from: string | null }): Promise<RunData> {
    const { history } = this
    const state = await this.#state()
    const href = (...path: string[]) =>
      from === null ? undefined : relativeUrl(from, join(this.folder, ...path))
    return {
      name: runName(this.folder),
      kind: history.kind === null ? '' : RUN_KINDS[history.kind],
      state,
      step: history.step,
      steps: history.start?.steps ?? 0,
      progress: progressOf(history, state),
      highlights: highlightsOf(history),
      ...curvesOf(history, points),
      ...(await this.#pictures.read(history.step)),
      sections: sectionsOf(history, this.#settings),
      tables: await tablesOf(this.folder, history, href),
    }
  }

  async #state(): Promise<RunState> {
    const { done, steps } = this.history
    if (done !== null) return done.reason
    if (await isTrainedInto(this.folder)) return 'running'
    return steps.length === 0 ? 'new' : 'open'
  }
}

/** A link that no name in the path can make into one to elsewhere. */
function relativeUrl(from: string, to: string): string {
  const parts = relative(from, to).split(sep).map(encodeURIComponent)
  return `./${parts.join('/')}`
}
