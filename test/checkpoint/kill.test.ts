import { spawn } from 'node:child_process'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { equal, is, ok } from 'uvu/assert'
import { listRunCheckpoints, newestRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { RunFolder } from '../../lib/train/run_folder.js'
import { program } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { digests, microImages, microRun } from '../train/micro.js'

const test = suite('kill')
const KILLS = 50

test('50 kills with SIGKILL during saves: every resume finds the last whole checkpoint', async () => {
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

test('a training run killed again and again ends with the bits of one that was not', async () => {
  const data = await microImages()
  const [whole, killed] = [temporary(), temporary()]
  for await (const _ of pretrain({ ...(await microRun(whole, data)), saveEverySteps: 1 }));
  const random = seededRandom(2)
  let told = 0
  let kills = 0
  for (let finished = false; !finished; kills++) {
    const events = await tell<{ type: string; step: number }>(
      'checkpoint/programs/pretrain_resumed.js',
      [killed, data.name],
      (event, kill) => {
        if (event.type === 'checkpoint' && kills < 6) setTimeout(kill, 40 * random())
      },
    )
    const step = events[0]?.step as number
    ok(step >= told, `went on from ${step}, told ${told}`)
    told = Math.max(step, ...events.filter(({ type }) => type === 'checkpoint').map((event) => event.step))
    finished = events.at(-1)?.type === 'done'
  }
  ok(kills > 3, `${kills} processes`)
  equal(await digests(killed), await digests(whole))
})

test.run()

/** Runs the program until `delay` ms after its first save, and gives what it told. */
async function runAndKill(output: string, delay: number) {
  const report = { found: null as number | null, damaged: -1, leftovers: ['nothing was told'], saved: 0 }
  const lines = await tell<Partial<typeof report>>(
    'checkpoint/programs/save_forever.js',
    [output],
    (line, kill) => {
      if (line.saved !== undefined) setTimeout(kill, delay)
    },
  )
  return Object.assign(report, ...lines) as typeof report
}

/** The JSON lines a program tells until it ends; `hear` may kill it. */
async function tell<T>(
  name: string,
  args: string[],
  hear: (line: T, kill: () => void) => void,
): Promise<T[]> {
  const child = spawn(process.execPath, [program(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: T[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as T
    lines.push(line)
    hear(line, () => child.kill('SIGKILL'))
  }
  return lines
}

/** Park and Miller's generator: the same kills in every run of the test, as far as the clock allows. */
function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
}
