/** beit watch: the report of a run, live in a browser. */
import { watchRun, watchSchema } from '../../report/watch.js'
import { type Command, EXIT } from '../command.js'
import { pick } from '../groups.js'
import { Interrupt } from '../interrupt.js'

export const watchCommand: Command = {
  name: 'watch',
  summary: 'Serves the report of a run on this machine, live while it goes on',
  usage: 'RUN [flags]',
  about:
    'Prints the address to open in a browser. It listens on 127.0.0.1 alone and serves nothing but the report. From another ' +
    'machine, forward the port: ssh -L 8080:127.0.0.1:8080 HOST. Ctrl-C ends it; the run is not touched.',
  arguments: ['RUN'],
  groups: [{ title: 'Output', flags: pick(watchSchema, ['port']) }],
  examples: [
    { what: 'a run that goes on', line: 'beit watch runs/first' },
    { what: 'on a port to be forwarded', line: 'beit watch runs/first --port 8080' },
  ],
  async run({ arguments: [run], values }) {
    using interrupt = new Interrupt('ended')
    const { signal } = interrupt
    const watched = await watchRun(run as string, { port: values.port as number | undefined, signal })
    console.log(watched.url)
    await watched.closed
    return EXIT.ok
  },
}
