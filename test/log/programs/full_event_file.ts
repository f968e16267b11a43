/** Fills an event file while no file may grow beyond what `ulimit -f` says, and goes on. Argument: the folder. */
import { statSync } from 'node:fs'
import { EventFile } from '../../../lib/log/tensorboard/event_file.js'

const problemOf = (work: Promise<void>) =>
  work.then(
    () => null,
    (error: Error) => error,
  )

const file = await EventFile.open(process.argv[2] as string)
file.append(Buffer.alloc(100_000))
const first = await problemOf(file.flush())
const { size } = statSync(file.path)
file.append(Buffer.alloc(100_000))
const problems = [file.error, await problemOf(file.flush()), await problemOf(file.close())]
console.log(
  JSON.stringify({
    message: first?.message,
    same: problems.every((problem) => problem === first),
    grown: statSync(file.path).size - size,
  }),
)
