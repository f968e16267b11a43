/** The charts of all runs, and the controls they share. */
import { RUN_COLOURS } from '../../visualize/theme.js'
import type { Panel, ReportData } from '../report_data.js'
import { Chart } from './chart.js'
import { type Curve, curveOf } from './curve.js'
import { html, set } from './dom.js'
import { View } from './view.js'

const COLOURS = RUN_COLOURS.light.length

/** The colour of a run as a class, and whether an earlier run has it: there are only so many. */
export const lookOf = (run: number) => ({ tone: `run-${run % COLOURS}`, dotted: run >= COLOURS })

export class Curves {
  readonly element: HTMLElement
  readonly #grid = html('div', { class: 'charts' })
  readonly #charts = new Map<string, Chart>()
  readonly #reset: HTMLButtonElement
  readonly #view: View
  #data: ReportData | null = null
  #whole: [number, number] = [0, 1]
  #frame = 0

  constructor() {
    this.#view = new View((what) => {
      if (what === 'curves') set(this.#reset, { disabled: this.#view.domain === null })
      this.#redraw(what)
    })
    this.#reset = button('Show all', () => this.#view.zoomTo(null, this.#whole))
    this.#reset.disabled = true
    const controls = html(
      'div',
      { class: 'controls' },
      this.#smoothing(),
      html(
        'div',
        { class: 'zoom' },
        button('−', () => this.#view.zoomBy(2, this.#whole), 'Zoom out'),
        button('+', () => this.#view.zoomBy(0.5, this.#whole), 'Zoom in'),
        this.#reset,
      ),
      html('span', { class: 'quiet hint' }, 'Drag over a chart to zoom, double-click to show all.'),
    )
    this.element = html('section', { id: 'curves' }, html('h2', {}, 'Curves'), controls, this.#grid)
  }

  update(data: ReportData): void {
    this.#data = data
    const last = Math.max(2, ...data.runs.map(({ axis, step }) => Math.max(step, axis.at(-1) ?? 0)))
    this.#whole = [0, last]
    const panels = new Map<string, { panel: Panel; curves: Curve[] }>()
    data.runs.forEach((run, i) => {
      for (const panel of run.panels) {
        // Losses of two kinds of runs are two quantities, and no curves to compare.
        const key = `${panel.id} ${panel.title} ${panel.unit}`
        const entry = panels.get(key) ?? { panel, curves: [] }
        panels.set(key, entry)
        entry.curves.push(...this.#curvesOf(panel, i))
      }
    })
    for (const [key, { panel, curves }] of panels) {
      let chart = this.#charts.get(key)
      if (chart === undefined) {
        chart = new Chart(panel, this.#view, this.#charts.size)
        this.#charts.set(key, chart)
      }
      this.#grid.append(chart.element)
      chart.update(panel, curves, this.#whole)
    }
    this.element.hidden = panels.size === 0
  }

  /** Of one run the colour tells the kind of curve; of several, the run, and what it is to be compared with is left out. */
  #curvesOf(panel: Panel, run: number): Curve[] {
    const { runs } = this.#data as ReportData
    const { axis, name: runName } = runs[run] as ReportData['runs'][number]
    if (runs.length === 1) {
      return panel.series.map((series) => {
        const own = { key: `${panel.id} ${series.name}`, legend: series.name, tone: series.role }
        return curveOf(series, axis, { ...own, dotted: false })
      })
    }
    const compared = panel.series.filter(({ role }) => role !== 'reference')
    return compared.map((series) =>
      curveOf(series, axis, { key: `run ${run}`, legend: runName, ...lookOf(run) }),
    )
  }

  /** Once a frame, however often something changes. */
  #redraw(what: 'curves' | 'cursor'): void {
    const draw = what === 'curves' ? (chart: Chart) => chart.draw() : (chart: Chart) => chart.drawCursor()
    if (what === 'curves') {
      cancelAnimationFrame(this.#frame)
      this.#frame = requestAnimationFrame(() => this.#charts.forEach(draw))
    } else this.#charts.forEach(draw)
  }

  #smoothing(): HTMLElement {
    const view = this.#view
    const value = html('output', {}, view.smoothing.toFixed(2))
    const slider = html('input', { type: 'range', min: 0, max: 0.99, step: 0.01, value: view.smoothing })
    slider.addEventListener('input', () => {
      view.smoothing = Number(slider.value)
      value.textContent = view.smoothing.toFixed(2)
      view.changed()
    })
    return html('label', { class: 'smoothing' }, html('span', {}, 'Smoothing'), slider, value)
  }
}

function button(text: string, act: () => void, label?: string): HTMLButtonElement {
  const element = html('button', { type: 'button', 'aria-label': label, title: label }, text)
  element.addEventListener('click', act)
  return element
}
