/** Ends workers, or the process beside them, while their engines compute: the argument says which. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { preparedJob } from './job.js'

const worker = new URL('./worker_job.js', import.meta.url)
const running = async () => {
  const started = new Worker(worker)
  await once(started, 'message')
  return started
}

const programs: Record<string, () => Promise<unknown>> = {
  async terminate() {
    for (let i = 0; i < 3; i++) await (await running()).terminate()
  },
  async 'exit beside workers'() {
    await Promise.all([running(), running()])
    process.exit(7)
  },
  async 'compute side by side'() {
    const start = await preparedJob(4)
    const workers = await Promise.all([running(), running()])
    const shapes = await Promise.all([
      start().then((result) => result.shape),
      ...workers.map((each) => once(each, 'message').then(([shape]) => shape)),
    ])
    console.log(JSON.stringify(shapes))
    await Promise.all(workers.map((each) => each.terminate()))
  },
}
await programs[process.argv[2] as string]?.()
