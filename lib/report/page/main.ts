/** The script of a report: draws what the page brings along, and, served by `beit watch`, what comes later. */
import type { ReportData, RunData } from '../report_data.js'
import { headOf, highlightsOf, pictureOf, sectionOf, tableOf } from './content.js'
import { Curves, lookOf } from './curves.js'
import { html } from './dom.js'
import { listen } from './live.js'
import { sheetsOf } from './sheets.js'

const page = document.querySelector('main') as HTMLElement
const curves = new Curves()
const top = html('header')
const below = html('div', { class: 'below' })
page.replaceChildren(top, curves.element, below)

interface Part {
  of: readonly (keyof RunData)[]
  make(run: RunData): (HTMLElement | null)[]
}

/** Below the curves of a run. Each is drawn anew only with news of it: a slider stays where it was put. */
const PARTS: readonly Part[] = [
  { of: ['sheets', 'images'], make: (run) => [sheetsOf(run)] },
  { of: ['pictures'], make: (run) => run.pictures.map(pictureOf) },
  {
    of: ['tables', 'sections'],
    make: (run) => [
      html('div', { class: 'cards' }, ...run.tables.map(tableOf), ...run.sections.map(sectionOf)),
    ],
  },
]
const places = PARTS.map(() => html('div', { class: 'part' }))

const data: ReportData = JSON.parse(document.getElementById('data')?.textContent ?? '')
show(data)
if (data.live) listen(data, show)

/** @param changed what is new; all of it unless told */
function show(report: ReportData, changed?: readonly string[]): void {
  const [only, ...others] = report.runs
  if (only === undefined) return
  const made = html('p', { class: 'quiet made' }, `beit-torch ${report.version} · ${madeAt(report)}`)
  if (others.length === 0) {
    top.replaceChildren(made, headOf(only, null), highlightsOf(only.highlights))
    if (changed === undefined) below.replaceChildren(...places)
    PARTS.forEach(({ of, make }, i) => {
      if (changed === undefined || of.some((name) => changed.includes(name)))
        places[i]?.replaceChildren(...make(only).filter((element) => element !== null))
    })
  } else {
    const heads = report.runs.map((run, i) => headOf(run, lookOf(i)))
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
  return PARTS.flatMap(({ make }) => make(run)).filter((element) => element !== null)
}

function madeAt({ made, live }: ReportData): string {
  if (live) return 'live'
  return `written ${new Date(made).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}`
}
