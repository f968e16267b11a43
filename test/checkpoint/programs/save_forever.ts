/**
 * A training run without the training, for kill.test.ts: enters the run folder argv[2] as a resumed run does,
 * says what it found, and saves checkpoint after checkpoint until it is killed.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import {
  newestRunCheckpoint,
  pruneRunCheckpoints,
  saveRunCheckpoint,
} from '../../../lib/checkpoint/run_checkpoint.js'
import { RunFolder } from '../../../lib/train/run_folder.js'

const folder = await RunFolder.open(process.argv[2] as string, true)
const { checkpoint, damaged } = await newestRunCheckpoint<{ step: number }>(folder.checkpoints)
const leftovers = (await fs.readdir(folder.checkpoints)).filter((name) => !/^step-\d+$/.test(name))
say({ found: checkpoint?.state.step ?? null, damaged: damaged.length, leftovers })

const content = randomBytes(300_000)
for (let step = (checkpoint?.state.step ?? 0) + 1; ; step++) {
  await saveRunCheckpoint(
    folder.checkpoints,
    step,
    { step },
    {
      'model.safetensors': (path) => fs.writeFile(path, content),
      'state.safetensors': (path) => fs.writeFile(path, content),
    },
  )
  say({ saved: step })
  await pruneRunCheckpoints(folder.checkpoints, 2, 1)
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
