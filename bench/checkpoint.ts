/**
 * Reading a checkpoint into a model and writing one, beside torch.load + load_state_dict and torch.save on the
 * same file, in turn. The file is the state dict of a base model, about 350 MB, in memory of the system (page
 * cache) for both.
 *
 *     node dist/bench/checkpoint.js [MODEL] [ROUNDS]     # beit_base_patch16_224, 7; BEIT_PYTHON: a Python with torch
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BeitForMaskedImageModeling, readCheckpoint } from 'beit-torch'
import { packageRoot } from '../test/support/paths.js'
import { median } from './statistics.js'

const [preset = 'beit_base_patch16_224', rounds = '7'] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'beit-checkpoint-'))
const peer = spawn(
  process.env.BEIT_PYTHON ?? 'python3',
  [join(packageRoot, 'bench', 'checkpoint_torch.py')],
  {
    stdio: ['pipe', 'pipe', 'inherit'],
  },
)
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]()

try {
  const version = await answer()
  const model = await BeitForMaskedImageModeling.create(preset, { seed: 0 })
  const path = join(folder, 'model.pth')
  const safetensors = join(folder, 'model.safetensors')
  await model.save(path)
  await model.save(safetensors)
  const bytes = (await stat(path)).size
  console.log(
    `${preset}, ${(bytes / 1e6).toFixed(0)} MB, PyTorch ${version}, median of ${rounds} rounds in turn`,
  )

  const table: Record<string, Work> = {
    'read .pth into a model': { ours: () => load(model, path), theirs: `load ${path}` },
    'read .safetensors into a model': { ours: () => load(model, safetensors), theirs: `load ${path}` },
    'write .pth, on disk': {
      ours: () => model.save(join(folder, 'a.pth')),
      theirs: `sync ${join(folder, 'b.pth')}`,
    },
    'write .safetensors, on disk': {
      ours: () => model.save(join(folder, 'a.safetensors')),
      theirs: `sync ${join(folder, 'b.pth')}`,
    },
    'write .pth, theirs unsynced': {
      ours: () => model.save(join(folder, 'a.pth')),
      theirs: `save ${join(folder, 'b.pth')}`,
    },
  }
  for (const [what, work] of Object.entries(table)) await compare(what, work)
  console.log(
    `peak resident memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, PyTorch ${(await ask('peak')).toFixed(0)} MiB`,
  )
} finally {
  peer.kill()
  await rm(folder, { recursive: true, force: true })
}

interface Work {
  ours: () => Promise<void>
  theirs: string
}

async function load(model: BeitForMaskedImageModeling, path: string): Promise<void> {
  const { tensors } = await readCheckpoint(path)
  await model.loadStateDict(tensors)
  for (const tensor of tensors.values()) tensor.dispose()
}

async function compare(what: string, { ours, theirs }: Work): Promise<void> {
  const times: { ours: number; theirs: number }[] = []
  // The first round warms both up and is not counted.
  for (let round = 0; round <= Number(rounds); round++) {
    const began = performance.now()
    await ours()
    const own = (performance.now() - began) / 1000
    const other = await ask(theirs)
    if (round > 0) times.push({ ours: own, theirs: other })
  }
  const ratios = times.map((time) => time.theirs / time.ours).sort((a, b) => a - b)
  const range = `${(ratios[0] as number).toFixed(2)} to ${(ratios.at(-1) as number).toFixed(2)}`
  console.log(
    `${what}: ${median(times.map((time) => time.ours)).toFixed(3)} s, ` +
      `PyTorch ${median(times.map((time) => time.theirs)).toFixed(3)} s, ratio ${median(ratios).toFixed(2)} (${range})`,
  )
}

async function ask(command: string): Promise<number> {
  peer.stdin.write(`${command}\n`)
  return Number(await answer())
}

async function answer(): Promise<string> {
  const { value, done } = await answers.next()
  if (done) throw new Error('the Python program ended: it needs a Python with torch (BEIT_PYTHON)')
  return value
}
