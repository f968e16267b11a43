/** Everything of a report that is no curve: headings, numbers, tables, pictures. */
import type { Cell, Highlight, Picture, RunData, RunState, Section, Table } from '../report_data.js'
import { html } from './dom.js'

const STATES: Record<RunState, string> = {
  new: 'not begun',
  running: 'running',
  open: 'not ended',
  stopped: 'stopped',
  finished: 'finished',
}

/** @param look of the run among several; null: it is alone */
export function headOf(run: RunData, look: { tone: string; dotted: boolean } | null): HTMLElement {
  const share = run.steps === 0 ? 0 : Math.min(1, run.step / run.steps)
  const dot =
    look === null ? null : html('span', { class: `run-dot fill-${look.tone}${look.dotted ? ' dotted' : ''}` })
  return html(
    'div',
    { class: 'run-head' },
    html(
      'div',
      { class: 'title' },
      dot,
      html(look === null ? 'h1' : 'h2', {}, run.name),
      html('span', { class: `state ${run.state}` }, STATES[run.state]),
    ),
    html('p', { class: 'quiet' }, [run.kind, run.progress].filter((part) => part !== '').join(' · ')),
    html('progress', { max: 1, value: share, 'aria-label': `Share of ${run.name} that is done` }),
  )
}

export function highlightsOf(highlights: readonly Highlight[]): HTMLElement {
  const tile = ({ label, value, note }: Highlight) =>
    html(
      'div',
      { class: 'tile' },
      html('span', { class: 'quiet' }, label),
      html('strong', {}, value),
      html('span', { class: 'quiet note' }, note),
    )
  return html('div', { class: 'tiles' }, ...highlights.map(tile))
}

export function sectionOf({ title, rows }: Section): HTMLElement {
  const list = html('dl')
  for (const [name, value] of rows) list.append(html('dt', {}, name), html('dd', {}, value))
  return html('section', { class: 'card' }, html('h2', {}, title), list)
}

export function tableOf({ title, columns, rows, wide, note }: Table): HTMLElement {
  const side = (i: number) => (columns[i]?.right ? 'right' : undefined)
  const head = columns.map(({ name }, i) => html('th', { scope: 'col', class: side(i) }, name))
  const body = rows.map((row) => html('tr', {}, ...row.map((cell, i) => cellOf(cell, side(i)))))
  return html(
    'section',
    { class: wide === true ? 'card wide' : 'card' },
    html('h2', {}, title),
    html(
      'div',
      // Large tables scroll by themselves; keys reach what scrolls.
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
      html('table', {}, html('thead', {}, html('tr', {}, ...head)), html('tbody', {}, ...body)),
    ),
    note === undefined ? null : html('p', { class: 'quiet' }, note),
  )
}

function cellOf(cell: Cell, side: string | undefined): HTMLElement {
  if (typeof cell === 'string') return html('td', { class: side }, cell)
  const { text, href, mark, strong } = cell
  const content = href === undefined ? text : html('a', { href }, text)
  return html(
    'td',
    { class: [side, strong ? 'strong' : ''].filter(Boolean).join(' ') || undefined },
    content,
    mark === undefined ? null : html('span', { class: 'mark' }, mark),
  )
}

export function pictureOf({ title, image, width, height }: Picture): HTMLElement {
  return html(
    'section',
    { class: 'card' },
    html('h2', {}, title),
    html('img', { class: 'picture', src: image, alt: title, width, height }),
  )
}
