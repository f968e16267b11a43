/** One panel: its legend with values, its drawing, and what mouse, finger and keys do with it. */
import { decimal, grouped } from '../../log/format.js'
import type { Panel } from '../report_data.js'
import { type Curve, nearest } from './curve.js'
import { html, set, svg } from './dom.js'
import { type DrawnCurve, type Plot, plot } from './plot.js'
import type { View } from './view.js'

const HEIGHT = 240
/** Their order in a legend; drawn are references first, below the others. */
const ROLES = ['training', 'evaluation', 'reference']
/** A shorter drag, in pixels, is a click. */
const SHORTEST_DRAG = 6

export class Chart {
  readonly element: HTMLElement
  readonly #view: View
  readonly #drawing: SVGSVGElement
  readonly #legend = html('ul', { class: 'legend' })
  readonly #readout = html('span', { class: 'at' })
  /** What screen readers say when keys move the cursor. */
  readonly #spoken = html('p', { class: 'spoken', role: 'status' })
  readonly #number: number
  #panel: Panel
  #curves: readonly Curve[] = []
  /** First and last step of all runs. */
  #whole: readonly [number, number] = [0, 1]
  #plot: Plot | null = null
  #cursor: SVGGElement = svg('g')
  /** Where a drag began, in pixels. */
  #dragged: number | null = null

  /** @param number that no other chart of the page has */
  constructor(panel: Panel, view: View, number: number) {
    this.#view = view
    this.#panel = panel
    this.#number = number
    this.#drawing = svg('svg', { class: 'plot', role: 'img', tabindex: 0, height: HEIGHT })
    const unit = panel.unit === '' ? null : html('span', { class: 'unit' }, panel.unit)
    const head = html('figcaption', {}, html('h3', {}, panel.title), unit, this.#readout)
    if (panel.log) head.append(this.#logButton())
    this.element = html(
      'figure',
      { class: 'chart', 'data-panel': panel.id },
      head,
      this.#legend,
      this.#drawing,
      this.#spoken,
    )
    this.#listen()
    new ResizeObserver(() => this.draw()).observe(this.element)
  }

  update(panel: Panel, curves: readonly Curve[], whole: readonly [number, number]): void {
    this.#panel = panel
    this.#curves = curves
    this.#whole = whole
    this.draw()
  }

  draw(): void {
    const width = this.#drawing.clientWidth
    if (width === 0 || this.#curves.length === 0) return
    const { domain, smoothing, hidden, logarithmic } = this.#view
    const shown = this.#curves.filter(({ key }) => !hidden.has(key))
    this.#plot = plot(shown, {
      width,
      height: HEIGHT,
      domain: domain ?? this.#whole,
      smoothing,
      logarithmic: logarithmic.has(this.#panel.id),
      low: this.#panel.low,
    })
    this.#cursor = svg('g', { class: 'cursor' })
    set(this.#drawing, { viewBox: `0 0 ${width} ${HEIGHT}` })
    this.#drawing.replaceChildren(axes(this.#plot), lines(this.#plot, this.#number), this.#cursor)
    this.#drawLegend()
    this.drawCursor()
  }

  /** Only what follows the mouse. */
  drawCursor(): void {
    const { cursor } = this.#view
    const plot = this.#plot
    if (plot === null) return
    this.#cursor.replaceChildren()
    for (const value of this.#legend.querySelectorAll('.value')) value.textContent = ''
    let at: number | null = null
    for (const { curve, values } of plot.curves) {
      // Between two evaluations the last one holds.
      const i = cursor === null ? lastFinite(values) : nearest(curve.x, cursor, curve.role !== 'training')
      if (i < 0) continue
      this.#writeValue(curve, i, values)
      if (curve.role === 'training') at ??= curve.x[i] as number
      const [x, y] = [plot.x(curve.x[i] as number), plot.y(values[i] as number)]
      const inside =
        x >= plot.frame.left && x <= plot.frame.right && y >= plot.frame.top && y <= plot.frame.bottom
      if (cursor !== null && inside)
        this.#cursor.append(svg('circle', { cx: x, cy: y, r: 3.5, class: `fill-${curve.tone}` }))
    }
    this.#readout.textContent = cursor === null ? '' : `step ${grouped(at ?? Math.round(cursor))}`
    if (cursor === null) return
    const x = plot.x(at ?? cursor)
    if (x < plot.frame.left || x > plot.frame.right) return
    this.#cursor.prepend(svg('line', { x1: x, x2: x, y1: plot.frame.top, y2: plot.frame.bottom }))
  }

  #writeValue(curve: Curve, i: number, values: readonly number[]): void {
    const cell = this.#legend.querySelector(`[data-curve="${this.#curves.indexOf(curve)}"]`)
    if (cell === null) return
    const raw = text(curve.y[i] as number)
    const smooth = values === curve.y ? null : text(values[i] as number)
    cell.textContent = smooth === null || smooth === raw ? raw : `${smooth} (${raw})`
  }

  /** Says what the legend shows of the curves that are drawn. */
  #speak(): void {
    const entries = [...this.#legend.querySelectorAll('button[aria-pressed="true"]')]
    const values = entries.map((entry) => entry.textContent.trim())
    this.#spoken.textContent = [this.#readout.textContent, ...values].join(', ')
  }

  #drawLegend(): void {
    const { hidden } = this.#view
    const entries = this.#entries().map(([first, ...others]) => {
      const shown = !hidden.has(first.key)
      const values = [first, ...others].flatMap((curve) => [
        others.length === 0 ? null : html('span', {}, curve.name),
        html('span', { class: 'value', 'data-curve': this.#curves.indexOf(curve) }),
      ])
      const button = html(
        'button',
        { type: 'button', 'aria-pressed': shown ? 'true' : 'false', title: 'Show or hide' },
        swatchOf(first),
        html('span', {}, first.legend),
        // The spaces are for who hears it.
        ...values.filter((value) => value !== null).flatMap((value) => [' ', value]),
      )
      button.addEventListener('click', () => this.#view.toggle(hidden, first.key))
      return html('li', {}, button)
    })
    // The button that was clicked stays the one that keys go to.
    const focused = [...this.#legend.querySelectorAll('button')].indexOf(
      document.activeElement as HTMLButtonElement,
    )
    this.#legend.replaceChildren(...entries)
    this.#legend.querySelectorAll('button')[focused]?.focus()
    set(this.#drawing, { 'aria-label': this.#description() })
  }

  /** The curves of each entry of the legend. */
  #entries(): [Curve, ...Curve[]][] {
    const entries = new Map<string, [Curve, ...Curve[]]>()
    for (const curve of this.#curves.toSorted((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role))) {
      const entry = entries.get(curve.key)
      if (entry === undefined) entries.set(curve.key, [curve])
      else entry.push(curve)
    }
    return [...entries.values()]
  }

  #description(): string {
    const { title, unit } = this.#panel
    const parts = this.#curves.flatMap(({ legend, name, x, y }) => {
      const last = lastFinite(y)
      const whole = name === legend ? name : `${legend}, ${name}`
      return last < 0 ? [] : [`${whole} ${text(y[last] as number)} at step ${grouped(x[last] as number)}`]
    })
    return `${title}${unit === '' ? '' : ` (${unit})`} over the steps: ${parts.join(', ')}. Arrow keys read values, + and - zoom, 0 shows all.`
  }

  #logButton(): HTMLButtonElement {
    const button = html('button', { type: 'button', class: 'log', 'aria-pressed': 'false' }, 'log')
    button.title = 'Logarithmic scale'
    button.addEventListener('click', () => {
      this.#view.toggle(this.#view.logarithmic, this.#panel.id)
      set(button, { 'aria-pressed': this.#view.logarithmic.has(this.#panel.id) ? 'true' : 'false' })
    })
    return button
  }

  #listen(): void {
    const drawing = this.#drawing
    drawing.addEventListener('pointerdown', (event) => {
      this.#pointTo(event)
      if (event.pointerType !== 'mouse' || event.button !== 0) return
      this.#dragged = event.offsetX
      drawing.setPointerCapture(event.pointerId)
    })
    drawing.addEventListener('pointermove', (event) => {
      this.#pointTo(event)
      if (this.#dragged !== null) this.#drawSelection(this.#dragged, event.offsetX)
    })
    drawing.addEventListener('pointerup', (event) => {
      const from = this.#dragged
      this.#dragged = null
      if (from === null) return
      if (Math.abs(event.offsetX - from) < SHORTEST_DRAG) this.drawCursor()
      else this.#view.zoomTo([this.#stepAt(from), this.#stepAt(event.offsetX)], this.#whole)
    })
    drawing.addEventListener('pointercancel', () => {
      this.#dragged = null
      this.drawCursor()
    })
    drawing.addEventListener('pointerleave', (event) => {
      if (event.pointerType === 'mouse') this.#view.point(null)
    })
    drawing.addEventListener('dblclick', () => this.#view.zoomTo(null, this.#whole))
    drawing.addEventListener('keydown', (event) => this.#onKey(event))
    drawing.addEventListener('blur', () => this.#view.point(null))
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.#move(event.shiftKey ? -10 : -1),
      ArrowRight: () => this.#move(event.shiftKey ? 10 : 1),
      Home: () => this.#move(-Infinity),
      End: () => this.#move(Infinity),
      '+': () => this.#view.zoomBy(0.5, this.#whole),
      '=': () => this.#view.zoomBy(0.5, this.#whole),
      '-': () => this.#view.zoomBy(2, this.#whole),
      '0': () => this.#view.zoomTo(null, this.#whole),
      Escape: () => this.#view.zoomTo(null, this.#whole),
    }
    const action = actions[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  }

  /** Moves the cursor by `points` of the longest curve, inside of what is shown. */
  #move(points: number): void {
    const longest = this.#plot?.curves.reduce<DrawnCurve | null>(
      (a, b) => (a === null || b.curve.x.length > a.curve.x.length ? b : a),
      null,
    )
    if (longest == null) return
    const { x } = longest.curve
    const [low, high] = this.#view.domain ?? this.#whole
    const [first, last] = [Math.max(0, nearest(x, low)), Math.max(0, nearest(x, high))]
    const now = this.#view.cursor === null ? last : nearest(x, this.#view.cursor)
    this.#view.point(x[Math.min(last, Math.max(first, now + points))] ?? null)
    this.#speak()
  }

  #pointTo(event: PointerEvent): void {
    if (this.#plot === null) return
    const { left, right } = this.#plot.frame
    const inside = event.offsetX >= left - 4 && event.offsetX <= right + 4
    this.#view.point(inside ? this.#stepAt(event.offsetX) : null)
  }

  #stepAt(pixel: number): number {
    const { left, right } = (this.#plot as Plot).frame
    const [low, high] = this.#view.domain ?? this.#whole
    return low + ((Math.min(right, Math.max(left, pixel)) - left) / (right - left)) * (high - low)
  }

  #drawSelection(from: number, to: number): void {
    const { left, right, top, bottom } = (this.#plot as Plot).frame
    const [a, b] = [from, to].map((x) => Math.min(right, Math.max(left, x))) as [number, number]
    const box = {
      x: Math.min(a, b),
      width: Math.abs(b - a),
      y: top,
      height: bottom - top,
      class: 'selection',
    }
    this.#cursor.replaceChildren(svg('rect', box))
  }
}

const swatchOf = ({ tone, role, dotted }: Curve) =>
  svg(
    'svg',
    { class: 'swatch', width: 22, height: 10, 'aria-hidden': 'true' },
    svg('line', { x1: 1, x2: 21, y1: 5, y2: 5, class: lineClass({ tone, role, dotted }) }),
    role === 'evaluation' ? svg('circle', { cx: 11, cy: 5, r: 3, class: `fill-${tone}` }) : null,
  )

const lineClass = ({ tone, role, dotted }: Pick<Curve, 'tone' | 'role' | 'dotted'>) =>
  `line-${tone} ${role}${dotted ? ' dotted' : ''}`

const text = (value: number) => (value === 0 ? '0' : Number.isFinite(value) ? decimal(value) : '-')
const lastFinite = (values: readonly number[]) => values.findLastIndex(Number.isFinite)

function axes({ x, y, frame }: Plot): SVGElement {
  const { left, right, bottom } = frame
  const horizontal = y.ticks.flatMap((tick) => [
    svg('line', { x1: left, x2: right, y1: y(tick), y2: y(tick), class: 'grid' }),
    svg('text', { x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, y.format(tick)),
  ])
  const vertical = x.ticks.flatMap((tick) => {
    const at = x(tick)
    return [
      svg('line', { x1: at, x2: at, y1: bottom, y2: bottom + 4, class: 'axis' }),
      svg('text', { x: at, y: bottom + 18, 'text-anchor': 'middle' }, x.format(tick)),
    ]
  })
  const base = svg('line', { x1: left, x2: right, y1: bottom, y2: bottom, class: 'axis' })
  return svg('g', { class: 'axes', 'aria-hidden': 'true' }, ...horizontal, ...vertical, base)
}

function lines({ curves, frame }: Plot, number: number): SVGElement {
  const name = `clip-${number}`
  const { left, right, top, bottom } = frame
  const clipping = svg(
    'clipPath',
    { id: name },
    svg('rect', { x: left, y: top - 4, width: right - left, height: bottom - top + 8 }),
  )
  const group = svg('g', { 'clip-path': `url(#${name})` }, clipping)
  for (const { curve, faint } of curves) {
    if (faint !== '') group.append(svg('path', { d: faint, class: `line-${curve.tone} faint` }))
  }
  for (const { curve, path, dots } of curves) {
    group.append(svg('path', { d: path, class: lineClass(curve) }))
    for (const [cx, cy] of dots) group.append(svg('circle', { cx, cy, r: 3, class: `fill-${curve.tone}` }))
  }
  return group
}
