/**
 * Loads the image argv[2] again and again, several batches in flight. With a third argument it calls process.exit(3)
 * in the middle; as a worker it says when it is loading and waits to be terminated.
 */
import { isMainThread, parentPort } from 'node:worker_threads'
import { native } from '../../../lib/binding.js'
import { trainingViews } from '../../../lib/data/view_settings.js'

const [path = '', exit] = process.argv.slice(2)
const views = trainingViews({ imageSize: [224, 224], tokenImageSize: [112, 112], maskGrid: null })
const loader = native().imageLoaderCreate(views, 4)
let index = 0

async function loadForever(): Promise<never> {
  for (;;) {
    const samples = Array.from({ length: 64 }, () => ({ path, offset: 0, length: -1, index: index++ }))
    await native().imageLoaderLoad(loader, samples, 0)
    if (isMainThread) continue
    parentPort?.postMessage('loading')
  }
}

for (let i = 0; i < 3; i++) void loadForever()
if (exit !== undefined) setTimeout(() => process.exit(3), 60)
