/** The script of a report: draws what the page brings along, and, served by `beit watch`, what comes later. */
import type { ReportData, RunData } from '../report_data.js'
import { headOf, highlightsOf, pictureOf, sectionOf, tableOf } from './content.js'
import { Curves, toneOf } from './curves.js'
import { html } from './dom.js'
import { listen } from './live.js'
import { sheetsOf } from './sheets.js'

const page = document.querySelector('main') as HTMLElement
const curves = new Curves()
const top = html('header')
const below = html('div', { class: 'below' })
page.replaceChildren(top, curves.element, below)

/** Parts of a run below its curves. They are drawn anew only with news: a slider stays where it was put. */
const BELOW: readonly (keyof RunData)[] = ['sheets', 'images', 'pictures', 'tables', 'sections']

const data: ReportData = JSON.parse(document.getElementById('data')?.textContent ?? '')
show(data)
if (data.live) listen(data, show)

/** @param changed what is new; all of it unless told */
function show(report: ReportData, changed: readonly string[] = BELOW): void {
  const [only, ...others] = report.runs
  if (only === undefined) return
  const made = html('p', { class: 'quiet made' }, `beit-torch ${report.version} · ${madeAt(report)}`)
  if (others.length === 0) {
    top.replaceChildren(made, headOf(only, null), highlightsOf(only.highlights))
    if (BELOW.some((part) => changed.includes(part))) below.replaceChildren(...partsOf(only))
  } else {
    const heads = report.runs.map((run, i) => headOf(run, toneOf(i)))
    top.replaceChildren(
      made,
      html('h1', {}, `${report.runs.length} runs`),
      html('div', { class: 'heads' }, ...heads),
      ...report.comparison.map(tableOf),
    )
    below.replaceChildren(
      ...report.runs.map((run) => html('details', {}, html('summary', {}, run.name), ...partsOf(run))),
    )
  }
  curves.update(report)
}

function partsOf(run: RunData): HTMLElement[] {
  const sheets = sheetsOf(run)
  return [
    ...(sheets === null ? [] : [sheets]),
    ...run.pictures.map(pictureOf),
    html('div', { class: 'cards' }, ...run.tables.map(tableOf), ...run.sections.map(sectionOf)),
  ]
}

function madeAt({ made, live }: ReportData): string {
  if (live) return 'live'
  return `written ${new Date(made).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}`
}
