/**
 * A run of 30 steps that saves after each, for kill.test.ts: argv[2] is the run folder, argv[3] that of the
 * images. Says each event's type and step.
 */
import { ImageFolder } from '../../../lib/data/image_folder.js'
import { pretrain } from '../../../lib/train/pretrain.js'
import { microRun } from '../../train/micro.js'

const [output, images] = process.argv.slice(2) as [string, string]
const options = await microRun(output, await ImageFolder.open(images))
for await (const event of pretrain({ ...options, saveEverySteps: 1, resume: 'auto' })) {
  const { type, step, resumedStep } = event as { type: string; step?: number; resumedStep?: number }
  process.stdout.write(`${JSON.stringify({ type, step: step ?? resumedStep ?? 0 })}\n`)
}
