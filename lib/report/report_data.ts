/** What a report shows, as plain data: the writing side makes it of run folders, the page in the browser draws it. */

export interface ReportData {
  /** When it was made: ISO 8601. */
  made: string
  /** Of this library. */
  version: string
  /** Served by `beit watch`: the page listens for newer data. */
  live: boolean
  runs: RunData[]
  /** Of several runs. */
  comparison: Table[]
}

/** 'new' has no step yet; 'open' neither ended nor runs now: it was killed, or runs where this cannot be seen. */
export type RunState = 'new' | 'running' | 'open' | 'stopped' | 'finished'

export interface RunData {
  /** The last part of the folder's path or two: enough to tell the runs of the report by. */
  name: string
  kind: string
  state: RunState
  step: number
  steps: number
  /** One line: how far it is. */
  progress: string
  highlights: Highlight[]
  /** Steps of the points of all series without an axis of their own, and how many steps a point stands for. */
  axis: number[]
  stepsPerPoint: number
  panels: Panel[]
  sheets: Sheet[]
  /** data: URLs */
  images: string[]
  pictures: Picture[]
  sections: Section[]
  tables: Table[]
}

/** A number to see at once. */
export interface Highlight {
  label: string
  value: string
  note: string
}

export interface Panel {
  /** Panels of several runs with the same id are drawn into one. */
  id: string
  title: string
  unit: string
  /** A logarithmic scale makes sense. */
  log: boolean
  /** The vertical axis begins here or lower. */
  low: number | null
  series: Series[]
}

export type Role = 'training' | 'evaluation' | 'reference'

/** A curve. null is a gap. */
export interface Series {
  name: string
  role: Role
  /** A number of every step with the noise of its images, which the page may smooth. */
  noisy?: true
  /** Steps of the points; null: the axis of the run. */
  x: number[] | null
  /** Means over the steps of a point. */
  y: (number | null)[]
  /** Lowest and highest of these steps, where they differ. */
  low?: (number | null)[]
  high?: (number | null)[]
}

/** Images of one moment of the run: indices into `images` of the run, where what does not change stands once. */
export interface Sheet {
  step: number
  title: string
  subtitle: string
  /** One row a kind of image, all of the same length. */
  rows: { name: string; images: number[] }[]
  footers: string[]
}

/** A picture of the run folder. */
export interface Picture {
  title: string
  /** data: URL */
  image: string
  width: number
  height: number
}

export interface Section {
  title: string
  rows: [name: string, value: string][]
}

export interface Table {
  title: string
  columns: { name: string; right?: boolean }[]
  rows: Cell[][]
  /** Of long texts: it takes the width of the page. */
  wide?: true
  /** A line below it. */
  note?: string
}

/** `href` is relative to the report. */
export type Cell = string | { text: string; href?: string; mark?: string; strong?: boolean }
