import { spawn } from 'node:child_process'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { equal, is, ok } from 'uvu/assert'
import { listRunCheckpoints, newestRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import { RunFolder } from '../../lib/train/run_folder.js'
import { program } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('kill')
const KILLS = 50

test('50 kills with SIGKILL during saves: every resume finds a whole checkpoint, the last one that was told', async () => {
  const output = temporary()
  const random = seededRandom(1)
  let told = 0
  for (let kill = 0; kill < KILLS; kill++) {
    // Saves take about 5 ms here: the kill falls anywhere in them.
    const { found, damaged, leftovers, saved } = await runAndKill(output, 25 * random())
    if (kill > 0) ok(found !== null && found >= told, `found ${found}, told ${told}`)
    equal({ damaged, leftovers }, { damaged: 0, leftovers: [] })
    told = Math.max(saved, found ?? 0)
  }
  ok(told > KILLS, `${told} checkpoints were saved in all`)

  const folder = await RunFolder.open(output, true)
  const { checkpoint, damaged } = await newestRunCheckpoint<{ step: number }>(folder.checkpoints)
  ok(checkpoint !== null && checkpoint.state.step >= told)
  is(damaged.length, 0)
  const kept = (await listRunCheckpoints(folder.checkpoints)).map(({ path }) => path)
  equal(
    (await fs.readdir(folder.checkpoints)).sort().map((name) => join(folder.checkpoints, name)),
    kept,
  )
  ok(kept.length <= 4, 'two newest, the best, and one more when a kill fell before the pruning')
  await folder.close()
  equal((await fs.readdir(output)).sort(), ['checkpoints'])
})

test.run()

/** Runs the program until `delay` ms after its first save, and gives what it told. */
async function runAndKill(output: string, delay: number) {
  const child = spawn(process.execPath, [program('checkpoint/programs/save_forever.js'), output], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const report = { found: null as number | null, damaged: -1, leftovers: ['nothing was told'], saved: 0 }
  for await (const line of createInterface({ input: child.stdout })) {
    Object.assign(report, JSON.parse(line))
    if ('saved' in JSON.parse(line) && !child.killed) setTimeout(() => child.kill('SIGKILL'), delay)
  }
  return report
}

/** Park and Miller's generator: the same kills in every run of the test, as far as the clock allows. */
function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
}
