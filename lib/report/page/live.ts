/** Newer data of a page that `beit watch` serves. */
import type { ReportData, RunData } from '../report_data.js'
import { html } from './dom.js'

/** What a message brings: of a run, all that changed. */
type Update = Partial<RunData> & Pick<RunData, 'state'>

export function listen(data: ReportData, show: (data: ReportData, changed: readonly string[]) => void): void {
  const status = html(
    'p',
    { class: 'status', role: 'status', hidden: true },
    'The connection is lost: the server has ended.',
  )
  document.body.append(status)
  const source = new EventSource('events')
  source.addEventListener('open', () => {
    status.hidden = true
  })
  source.addEventListener('error', () => {
    status.hidden = false
  })
  source.addEventListener('message', ({ data: text }) => {
    const update: Update = JSON.parse(text)
    const [run] = data.runs
    if (run === undefined) return
    data.runs = [{ ...run, ...update }]
    show(data, Object.keys(update))
  })
}
