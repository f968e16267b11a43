/** Images of the run over time: one moment at a time, chosen with a slider. */
import { grouped } from '../../log/format.js'
import type { RunData, Sheet } from '../report_data.js'
import { html } from './dom.js'

export function sheetsOf({ sheets, images }: Pick<RunData, 'sheets' | 'images'>): HTMLElement | null {
  const last = sheets.length - 1
  const first = sheets[last]
  if (first === undefined) return null
  const view = html('div', { class: 'sheet' })
  const caption = html('output', { class: 'quiet' })
  const show = (sheet: Sheet) => {
    caption.textContent = `after step ${grouped(sheet.step)}${sheet.subtitle === '' ? '' : ` · ${sheet.subtitle}`}`
    view.replaceChildren(...rowsOf(sheet, images))
  }
  show(first)
  const slider = html('input', {
    type: 'range',
    min: 0,
    max: last,
    value: last,
    'aria-label': 'Moment of the run',
  })
  slider.addEventListener('input', () => show(sheets[Number(slider.value)] as Sheet))
  return html(
    'section',
    { class: 'card', id: 'images' },
    html('h2', {}, 'Images over time'),
    html('div', { class: 'moment' }, last === 0 ? null : slider, caption),
    view,
  )
}

function rowsOf({ rows, footers }: Sheet, images: readonly string[]): HTMLElement[] {
  const elements = rows.flatMap(({ name, images: row }) => [
    html('h4', {}, name),
    html(
      'div',
      { class: row.length === 1 ? 'whole' : 'row' },
      ...row.map((index, i) => html('img', { src: images[index] ?? '', alt: `${name}, image ${i + 1}` })),
    ),
  ])
  if (footers.length === 0) return elements
  const below = html('div', { class: 'row quiet' }, ...footers.map((text) => html('span', {}, text)))
  return [...elements, html('h4'), below]
}
