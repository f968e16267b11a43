/** Panels of lines over one shared horizontal axis, as SVG text. Knows nothing of training. */
import { linearScale, type Scale } from './scale.js'
import { element, label, pathData } from './svg.js'
import { svgDocument, type Tone } from './theme.js'

export type Point = readonly [x: number, y: number]

/** One line of a panel. Points are in order of x; one whose y is not finite is a gap. */
export interface Series {
  name: string
  points: readonly Point[]
  tone: Tone
  /** 'faint' is the noisy line behind a smooth one, 'marked' has a dot at each point. */
  style: 'solid' | 'faint' | 'dashed' | 'marked'
  /** Left out of the legend. */
  unnamed?: boolean
}

export interface Panel {
  title: string
  series: readonly Series[]
  height: number
  /** The vertical axis begins here or lower. */
  low?: number
}

export interface LineChart {
  title: string
  /** One line of facts below the title. */
  subtitle: string
  /** The horizontal axis begins at 0. */
  xLabel: string
  panels: readonly Panel[]
}

const WIDTH = 920
const LEFT = 64
const RIGHT = 24
const TOP = 78
const BOTTOM = 44
/** Room above a panel's plot for its title and legend. */
const HEAD = 34
/** Room between the plot of one panel and the head of the next. */
const GAP = 18

/** The chart, once for browsers (light and dark) and once for rasterisers (light). */
export function lineChart(chart: LineChart): { svg: string; forRaster: string } {
  const plots = chart.panels.reduce((sum, panel) => sum + panel.height + HEAD, 0)
  const height = TOP + plots + GAP * (chart.panels.length - 1) + BOTTOM
  const xs = chart.panels.flatMap((panel) => panel.series.flatMap((line) => line.points.map(([x]) => x)))
  const x = linearScale(extent([0, ...xs]), [LEFT, WIDTH - RIGHT], 8, false, 1)

  let y = TOP
  const drawn = chart.panels.map((panel, index) => {
    const top = y + HEAD
    y = top + panel.height + GAP
    return drawPanel(panel, x, top, index === chart.panels.length - 1)
  })
  const body = [
    label(LEFT, 32, chart.title, { class: 'fill-ink', 'font-size': 19, 'font-weight': 600 }),
    label(LEFT, 54, chart.subtitle, { class: 'fill-quiet', 'font-size': 13 }),
    ...drawn,
    label((LEFT + WIDTH - RIGHT) / 2, height - 10, chart.xLabel, {
      class: 'fill-quiet',
      'font-size': 12,
      'text-anchor': 'middle',
    }),
  ].join('\n')
  return {
    svg: svgDocument(WIDTH, height, { title: chart.title, body, dark: true }),
    forRaster: svgDocument(WIDTH, height, { title: chart.title, body }),
  }
}

function drawPanel(panel: Panel, x: Scale, top: number, last: boolean): string {
  const ys = panel.series.flatMap((line) => line.points.map(([, value]) => value)).filter(Number.isFinite)
  if (panel.low !== undefined) ys.push(panel.low)
  const y = linearScale(extent(ys), [top + panel.height, top], Math.max(2, Math.round(panel.height / 40)))
  return [
    label(LEFT, top - 14, panel.title, { class: 'fill-ink', 'font-size': 14, 'font-weight': 600 }),
    legend(panel.series, top - 14),
    axes(x, y, top, panel.height, last),
    ...panel.series.map((line) => drawSeries(line, x, y)),
  ].join('\n')
}

function axes(x: Scale, y: Scale, top: number, height: number, last: boolean): string {
  const bottom = top + height
  const horizontal = y.ticks.map(
    (tick) =>
      element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: 'line-grid' }) +
      label(LEFT - 8, y(tick) + 4, y.format(tick), tickStyle('end')),
  )
  const vertical = x.ticks.map(
    (tick) =>
      element('line', { x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4, class: 'line-reference' }) +
      (last ? label(x(tick), bottom + 17, x.format(tick), tickStyle('middle')) : ''),
  )
  const base = element('line', {
    x1: LEFT,
    x2: WIDTH - RIGHT,
    y1: bottom,
    y2: bottom,
    class: 'line-reference',
  })
  return [...horizontal, ...vertical, base].join('')
}

const tickStyle = (anchor: string) => ({ class: 'fill-quiet', 'font-size': 12, 'text-anchor': anchor })

function drawSeries(line: Series, x: Scale, y: Scale): string {
  const points = line.points.map(([px, py]): Point => [x(px), y(py)])
  const path = element('path', { d: pathData(points), class: `line-${line.tone}`, ...STROKES[line.style] })
  if (line.style !== 'marked') return path
  const dots = points.filter(([, py]) => Number.isFinite(py))
  const dot = ([cx, cy]: Point) => element('circle', { cx, cy, r: 3, class: `fill-${line.tone}` })
  return path + dots.map(dot).join('')
}

const STROKES = {
  solid: { 'stroke-width': 2, 'stroke-linejoin': 'round' },
  faint: { 'stroke-width': 1, 'stroke-opacity': 0.28, 'stroke-linejoin': 'round' },
  dashed: { 'stroke-width': 1.5, 'stroke-dasharray': '6 4' },
  marked: { 'stroke-width': 1.5, 'stroke-linejoin': 'round' },
}

/** Names beside a piece of their line, flush right. */
function legend(series: readonly Series[], baseline: number): string {
  const parts: string[] = []
  let right = WIDTH - RIGHT
  for (const line of series.filter((one) => !one.unnamed).reverse()) {
    parts.push(
      label(right, baseline, line.name, { class: 'fill-quiet', 'font-size': 12, 'text-anchor': 'end' }),
    )
    const end = right - textWidth(line.name) - 8
    const [x1, x2, y] = [end - 22, end, baseline - 4]
    const stroke = STROKES[line.style]
    parts.push(element('line', { x1, x2, y1: y, y2: y, class: `line-${line.tone}`, ...stroke }))
    if (line.style === 'marked')
      parts.push(element('circle', { cx: (x1 + x2) / 2, cy: y, r: 3, class: `fill-${line.tone}` }))
    right = x1 - 22
  }
  return parts.join('')
}

/** An upper estimate for 12-unit sans-serif text: SVG has no way to ask. */
const textWidth = (text: string) => text.length * 6.3

function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return low <= high ? [low, high] : [0, 1]
}
