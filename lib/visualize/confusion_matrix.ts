/** Which classes are taken for which: a matrix with counts, or of many classes a heat map and its worst pairs. */
import { confusionMatrix } from '../evaluate/classification_evaluation.js'
import { type Confused, confusionSummary, mistakes, rowTotals } from '../evaluate/mistakes.js'
import { clipped, grouped, percent } from '../log/format.js'
import { Picture } from './picture.js'
import { element, label } from './svg.js'
import { svgDocument } from './theme.js'

const WIDTH = 920
const MARGIN = 24
const TOP = 84
/** Classes whose names and counts can be read in a picture of this width. */
const MOST_NAMED = 30
const LONGEST_NAME = 22
const LISTED = 12

/** By the share of a class's images: right ones in blue, mistakes in orange. */
const RIGHT = ['#e3edfc', '#c3d9f8', '#9dc0f3', '#74a3ec', '#4a85e0', '#2b6cd4', '#1f4fa6', '#163a7d']
const WRONG = ['#fdeee4', '#fbd9c3', '#f7bd98', '#f19c69', '#e87b3c', '#d4580e', '#a8430a', '#7d3107']
/** A mistake of a tenth of the class has the middle shade: few of them are larger. */
const shadeOf = (share: number, right: boolean) =>
  Math.min(7, Math.floor((right ? share : Math.sqrt(share)) * 8))
/** Shades on which text is white. */
const DARK = 4

/**
 * Draws the confusions of an evaluation: true classes in rows, predicted ones in columns, shaded by the share
 * of the row. Up to 30 classes have their names, counts and shares of right answers; more make a heat map,
 * with the mistakes that were made most below it.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT for an evaluation of images with several classes
 * @example
 * const picture = await drawConfusion(await evaluate({ model: classifier, data: validation }))
 * await picture.save('confusion.png')
 */
export async function drawConfusion(evaluation: Confused): Promise<Picture> {
  const { images, accuracy } = confusionSummary(evaluation)
  const count = evaluation.perClass.length
  const facts = `${grouped(images)} images · ${grouped(count)} classes · accuracy ${percent(accuracy)}`
  const { body, height } = count <= MOST_NAMED ? namedMatrix(evaluation) : heatMap(evaluation)
  const head = [
    label(MARGIN, 36, 'Confusion matrix', { class: 'fill-ink', 'font-size': 19, 'font-weight': 600 }),
    label(MARGIN, 59, `${facts} · rows: true class, columns: predicted`, QUIET),
  ]
  // One scheme: shades that end dark would sink into a dark page.
  const svg = svgDocument(WIDTH, height, { title: 'Confusion matrix', body: [...head, ...body].join('\n') })
  return Picture.fromSvg(svg, svg)
}

const QUIET = { class: 'fill-quiet', 'font-size': 13 }
const textWidth = (text: string, size: number) => text.length * size * 0.56

function namedMatrix(evaluation: Confused): { body: string[]; height: number } {
  const confusion = confusionMatrix(evaluation)
  const totals = rowTotals(evaluation)
  const names = evaluation.perClass.map(({ name }) => clipped(name, LONGEST_NAME))
  const left = MARGIN + 12 + Math.max(...names.map((name) => textWidth(name, 13)))
  const right = 72
  const cell = Math.min(64, (WIDTH - MARGIN - left - right) / names.length)
  const size = Math.max(8, Math.min(13, cell * 0.42))
  // Names of columns lean to the right, so the last one needs room above and not beside.
  const top = TOP + 16 + 0.72 * Math.max(...names.map((name) => textWidth(name, size + 1)))
  const at = (place: number, start: number) => start + place * cell
  const body = names.flatMap((name, i) => {
    const y = at(i, top) + cell / 2 + size * 0.36
    const x = at(i, left) + cell / 2
    const lean = `rotate(-45 ${x.toFixed(1)} ${(top - 8).toFixed(1)})`
    const row = confusion[i] as number[]
    const total = totals[i] as number
    return [
      label(left - 10, y, name, {
        class: 'fill-ink',
        'font-size': Math.min(13, size + 1),
        'text-anchor': 'end',
      }),
      label(x, top - 8, name, { class: 'fill-ink', 'font-size': Math.min(13, size + 1), transform: lean }),
      label(at(names.length, left) + 12, y, total === 0 ? 'none' : percent((row[i] as number) / total), {
        class: 'fill-quiet',
        'font-size': size,
      }),
      ...cells(row, total, i, left, at(i, top), cell, size),
    ]
  })
  return { body, height: Math.ceil(at(names.length, top) + MARGIN) }
}

/** One row, with its counts; a class without images stays empty. */
function cells(
  row: readonly number[],
  total: number,
  i: number,
  left: number,
  y: number,
  cell: number,
  size: number,
): string[] {
  return row.flatMap((count, j) => {
    const x = left + j * cell
    const side = { x: x + 0.5, y: y + 0.5, width: cell - 1, height: cell - 1 }
    if (count === 0) return [element('rect', { ...side, fill: '#f5f7f9' })]
    const shade = shadeOf(count / total, i === j)
    const fill = (i === j ? RIGHT : WRONG)[shade] as string
    const text = grouped(count)
    const fitting = Math.min(size, (cell - 4) / (text.length * 0.6))
    const ink = shade >= DARK ? '#ffffff' : '#1f2328'
    return [
      element('rect', { ...side, fill }),
      label(x + cell / 2, y + cell / 2 + fitting * 0.36, text, {
        fill: ink,
        'font-size': fitting,
        'text-anchor': 'middle',
      }),
    ]
  })
}

function heatMap(evaluation: Confused): { body: string[]; height: number } {
  const count = evaluation.perClass.length
  const totals = rowTotals(evaluation)
  const side = WIDTH - 2 * MARGIN - 44
  const [left, top] = [MARGIN + 44, TOP + 24]
  const cell = side / count
  // One path a shade: thousands of separate rectangles would make a slow file.
  const paths = { right: RIGHT.map(() => ''), wrong: WRONG.map(() => '') }
  // A mistake below a pixel would not be seen.
  const edge = short(Math.max(cell, 1.8))
  for (const [i, j, images] of evaluation.confusion) {
    const shade = shadeOf(images / (totals[i] as number), i === j)
    paths[i === j ? 'right' : 'wrong'][shade] +=
      `M${short(left + j * cell)} ${short(top + i * cell)}h${edge}v${edge}h${-edge}z`
  }
  const frame = { x: left, y: top, width: side, height: side, class: 'line-grid' }
  const bottom = top + side
  const worst = mistakes(evaluation).slice(0, LISTED)
  const body = [
    ...ticks(count, left, top, cell),
    ...WRONG.map((fill, shade) => element('path', { d: paths.wrong[shade], fill })),
    ...RIGHT.map((fill, shade) => element('path', { d: paths.right[shade], fill })),
    element('rect', { ...frame, fill: 'none' }),
    label(MARGIN, bottom + 34, 'Taken for another most', {
      class: 'fill-ink',
      'font-size': 14,
      'font-weight': 600,
    }),
    ...worst.map(({ actual, predicted, images, share }, i) => {
      const column = i % 2
      const text = `${clipped(actual, LONGEST_NAME)} as ${clipped(predicted, LONGEST_NAME)}: ${grouped(images)} (${percent(share)})`
      return label(MARGIN + column * (WIDTH / 2 - MARGIN), bottom + 58 + Math.floor(i / 2) * 20, text, QUIET)
    }),
  ]
  const rows = Math.ceil(worst.length / 2)
  return { body, height: Math.ceil(bottom + 58 + rows * 20 + 8) }
}

/** Ids of classes along both sides. */
function ticks(count: number, left: number, top: number, cell: number): string[] {
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((each) => count / each <= 10) ?? 10_000
  const ids = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step)
  return ids.flatMap((id) => {
    const place = (id + 0.5) * cell
    const style = { class: 'fill-quiet', 'font-size': 12 }
    return [
      label(left - 8, top + place + 4, String(id), { ...style, 'text-anchor': 'end' }),
      label(left + place, top - 8, String(id), { ...style, 'text-anchor': 'middle' }),
    ]
  })
}

const short = (value: number) => Math.round(value * 100) / 100
