/** beit doctor: what the machine offers, and what is wrong. */
import { doctor, formatDoctor } from '../../doctor.js'
import { type Command, EXIT } from '../command.js'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Prints Node.js, addon, libtorch, threads and GPUs, and what is wrong',
  usage: '',
  groups: [
    {
      title: 'Output',
      flags: { json: { type: 'boolean', default: false, doc: 'Print the report as JSON' } },
    },
  ],
  examples: [
    { what: 'why something does not load', line: 'beit doctor' },
    { what: 'for a report of a problem', line: 'beit doctor --json' },
  ],
  async run({ values }) {
    const report = await doctor()
    console.log(values.json ? JSON.stringify(report, null, 2) : formatDoctor(report))
    return report.problems.some(({ fatal }) => fatal) ? EXIT.error : EXIT.ok
  },
}
