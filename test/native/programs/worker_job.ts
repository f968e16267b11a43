/** A worker that computes without end; says 'running' once, then the shape of each result. */
import { parentPort } from 'node:worker_threads'
import { preparedJob } from './job.js'

const start = await preparedJob()
const first = start()
parentPort?.postMessage('running')
for (let result = await first; ; result = await start()) {
  parentPort?.postMessage(result.shape)
  result.dispose()
}
