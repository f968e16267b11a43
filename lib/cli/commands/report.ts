/** beit report: what runs did, as one HTML file. */
import { BeitError, invalidArgument } from '../../errors.js'
import { writeReport } from '../../report/write_report.js'
import { type Command, EXIT } from '../command.js'
import { shown } from '../follow.js'
import { prepareOutput } from '../output_file.js'

export const reportCommand: Command = {
  name: 'report',
  summary: 'Writes the report of a run, or one that compares several, as one HTML file',
  usage: 'RUN [RUN...] [flags]',
  about:
    'Curves with zoom and values, images over time, settings, machine, data with broken images, checkpoints. Every run ' +
    'writes its own report.html; this writes it anew, as for a run of another program that only kept metrics.jsonl. The ' +
    'file needs neither a server nor the network.',
  arguments: ['RUN'],
  manyArguments: true,
  groups: [
    {
      title: 'Output',
      flags: {
        output: {
          type: 'string',
          default: null,
          optional: true,
          placeholder: 'FILE.html',
          doc: 'The .html file to write; unset: report.html in the run folder. Needed for several runs',
        },
        force: { type: 'boolean', default: false, doc: 'Replace a file given with --output that is there' },
      },
    },
  ],
  examples: [
    { what: 'a run', line: 'beit report runs/first' },
    {
      what: 'two runs beside each other',
      line: 'beit report runs/first runs/second --output comparison.html',
    },
  ],
  async run({ arguments: runs, values }) {
    const output = (values.output as string | null | undefined) ?? undefined
    if (output === undefined && runs.length > 1) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        'beit report: --output is missing: where to write the comparison',
      )
    }
    if (output !== undefined) {
      if (!output.toLowerCase().endsWith('.html')) throw invalidArgument('--output', 'a .html file', output)
      await prepareOutput(values)
    }
    console.log(shown(await writeReport(runs, { output })))
    return EXIT.ok
  },
}
