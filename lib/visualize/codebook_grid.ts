/** The codes of a tokenizer as a grid of cells: how often each is used, and which are dead, at a glance. */
import { grouped } from '../log/format.js'
import { perplexity, usedCodes } from '../objectives/token_statistics.js'
import { Picture } from './picture.js'
import { element, label } from './svg.js'
import { svgDocument } from './theme.js'

const WIDTH = 920
const MARGIN = 24
const TOP = 84
/** Cells of a small codebook do not grow beyond a 24th of the width. */
const FEWEST_COLUMNS = 24
/** From used once to used most. */
const SHADES = ['#d3e3fb', '#a9c9f7', '#7eabf0', '#528ce6', '#2f6cd0', '#1f4fa6', '#163a7d', '#0e2856']

/** What {@link drawCodebook} tells in its headline. */
export interface CodebookUse {
  /** Codes chosen at least once. */
  used: number
  /** Codes that were never chosen. */
  dead: number
  /** The number of codes when all are used alike, 1 when collapsed, 0 when nothing was counted. */
  perplexity: number
}

/**
 * @param counts how often each code was chosen
 *
 * @example
 * const { used, perplexity } = codebookUse(await countCodes({ tokenizer, data, imageSize: 32, images: 8 }))
 */
export function codebookUse(counts: ArrayLike<number>): CodebookUse {
  const used = usedCodes(counts)
  return { used, dead: counts.length - used, perplexity: perplexity(counts) }
}

/**
 * Draws one cell a code, code 0 at the top left, row by row: darker the more often it was chosen (by the logarithm),
 * crossed out when never.
 * @param counts how often each code was chosen
 * @example
 * const counts = await countCodes({ tokenizer, data, imageSize: 32, images: 8 })
 * await (await drawCodebook(counts)).save('codebook.png')
 */
export async function drawCodebook(counts: ArrayLike<number>): Promise<Picture> {
  const all = Array.from(counts)
  const columns = Math.max(Math.ceil(Math.sqrt(2 * all.length)), Math.min(all.length, FEWEST_COLUMNS))
  const cell = (WIDTH - 2 * MARGIN) / columns
  const rows = Math.ceil(all.length / columns)
  const height = Math.ceil(TOP + rows * cell + 60)
  const most = Math.max(1, ...all)

  // One path a shade: thousands of separate rectangles would make a slow file.
  const shades = SHADES.map(() => '')
  let crosses = ''
  const [edge, gap] = [cell * 0.88, cell * 0.06]
  for (const [code, count] of all.entries()) {
    const x = round(MARGIN + (code % columns) * cell + gap)
    const y = round(TOP + Math.floor(code / columns) * cell + gap)
    const side = round(edge)
    if (count === 0) crosses += cross(x + 0.2 * edge, y + 0.2 * edge, 0.6 * edge)
    else shades[shadeOf(count, most)] += `M${x} ${y}h${side}v${side}h${-side}z`
  }
  const use = codebookUse(all)
  const share = (part: number) => `${Math.round((100 * part) / all.length)} %`
  const total = all.reduce((sum, count) => sum + count, 0)
  const facts = [
    `${grouped(use.used)} of ${grouped(all.length)} codes used (${share(use.used)})`,
    use.dead === 0 ? 'none dead' : `${grouped(use.dead)} dead`,
    `perplexity ${grouped(Math.round(use.perplexity))} (${share(use.perplexity)})`,
    `${grouped(total)} tokens`,
  ]
  const stroke = { class: 'line-dead', 'stroke-width': Math.max(0.8, cell / 18) }
  const body = [
    label(MARGIN, 36, 'Codebook', { class: 'fill-ink', 'font-size': 19, 'font-weight': 600 }),
    label(MARGIN, 59, facts.join(' · '), { class: 'fill-quiet', 'font-size': 13 }),
    ...shades.map((d, i) => element('path', { d, fill: SHADES[i] })),
    element('path', { d: crosses, ...stroke }),
    key(height - 34, most),
  ].join('\n')
  // One scheme: shades that end dark would sink into a dark page.
  const svg = svgDocument(WIDTH, height, { title: 'Codebook', body })
  return Picture.fromSvg(svg, svg)
}

/** What the shades mean. */
function key(y: number, most: number): string {
  const swatches = SHADES.map((fill, i) =>
    element('rect', { x: MARGIN + 92 + i * 22, y, width: 22, height: 14, fill }),
  )
  const end = MARGIN + 92 + SHADES.length * 22
  const style = { class: 'fill-quiet', 'font-size': 12 }
  const dead = element('path', { d: cross(end + 120, y + 1, 12), class: 'line-dead', 'stroke-width': 1.5 })
  return [
    label(MARGIN, y + 11, 'chosen once', style),
    ...swatches,
    label(end + 10, y + 11, `${grouped(most)} times`, style),
    dead,
    label(end + 140, y + 11, 'dead: never chosen', style),
  ].join('')
}

function cross(x: number, y: number, side: number): string {
  const s = round(side)
  return `M${round(x)} ${round(y)}l${s} ${s}m${-s} 0l${s} ${-s}`
}

function shadeOf(count: number, most: number): number {
  if (most === 1) return SHADES.length - 1
  return Math.min(SHADES.length - 1, Math.floor((Math.log(count) / Math.log(most)) * SHADES.length))
}

const round = (value: number) => Math.round(value * 100) / 100
