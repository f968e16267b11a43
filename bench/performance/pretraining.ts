/** The step of pre-training beside PyTorch's: times, ratios, memory, parts, and that both compute the same. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../statistics.js'
import { type Entrant, equalTokens, inTurn, lossDifference, type Outcome, ratio } from './comparison.js'
import { percent, table } from './markdown.js'
import type { Part } from './part.js'
import { prepare } from './prepare.js'
import { RECIPE, type Work } from './work.js'

const OURS: Entrant = { name: 'beit-torch fp32', owner: 'ours', work: {} }
const OURS_BF16: Entrant = { name: 'beit-torch bf16', owner: 'ours', work: { precision: 'bf16' } }
const OURS_OFF: Entrant = {
  name: 'beit-torch fp32, optimize off',
  owner: 'ours',
  work: { optimize: 'off' },
}
const PEER: Entrant = { name: 'PyTorch fp32 eager', owner: 'torch', work: {} }
const PEER_BF16: Entrant = {
  name: 'PyTorch bf16 autocast',
  owner: 'torch',
  work: { precision: 'bf16' },
}
const PEER_BF16_ALL: Entrant = {
  name: 'PyTorch bf16 autocast, tokenizer too',
  owner: 'torch',
  work: { precision: 'bf16-all' },
}
const PEER_COMPILED: Entrant = {
  name: 'PyTorch fp32 torch.compile',
  owner: 'torch',
  work: { compile: true },
}
const PEER_COMPILED_BF16: Entrant = {
  name: 'PyTorch bf16 torch.compile',
  owner: 'torch',
  work: { compile: true, precision: 'bf16-all' },
}

/** What it found. */
export interface PretrainingResult {
  size: string
  batchSize: number
  device: string
  images: string
  /** Each group's parties took their steps in turn; ratios are of one group. */
  groups: { outcomes: Outcome[]; failed: { name: string; reason: string }[] }[]
  /** Without drop path. */
  equality: { outcomes: Outcome[]; failed: { name: string; reason: string }[] }
}

export const pretraining: Part<PretrainingResult> = {
  name: 'pretraining',
  async run({ size, device, rounds, attention, compile, report }) {
    const folder = await mkdtemp(join(tmpdir(), 'beit-bench-'))
    try {
      const { images, ...files } = await prepare(folder, size)
      const work: Work = { ...RECIPE, ...files, device, attention }
      // Four at a time: each of them holds a model, its moments and the activations of a step.
      const cuda = device.startsWith('cuda')
      const groups: Entrant[][] = [
        [OURS, OURS_BF16, PEER, PEER_BF16],
        [OURS, OURS_BF16, OURS_OFF, PEER_BF16_ALL],
        ...(compile ? [[OURS, OURS_BF16, cuda ? PEER_COMPILED_BF16 : PEER_COMPILED]] : []),
      ]
      const results = []
      for (const [i, entrants] of groups.entries()) {
        results.push(await inTurn(entrants, work, i === 0 ? rounds : Math.ceil(rounds / 2), report))
      }
      report('without drop path:')
      const equality = await inTurn([OURS, OURS_BF16, PEER], { ...work, dropPath: 0 }, 2, report)
      return { size: size.name, batchSize: size.batchSize, device, images, groups: results, equality }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  markdown(result) {
    return [times(result), shares(result), equalities(result)].join('\n\n')
  },
}

const mebibytes = (value: number) => value.toFixed(0)

function times({ groups, batchSize, device }: PretrainingResult): string {
  const ratios = [OURS, OURS_BF16]
  const head = ['', 's a step', 'from', 'to', 'images/s', ...ratios.map(({ name }) => `${name} is faster by`)]
  const memory = device.startsWith('cuda') ? 'peak on the device, MiB' : 'peak memory, MiB'
  const tables = groups.map(({ outcomes, failed }) => {
    const rows = outcomes.map((outcome) => {
      const factors = ratios.map(({ name }) => {
        const ours = outcomes.find((other) => other.name === name)
        if (ours === undefined || ours === outcome) return ''
        const { median: middle, low, high } = ratio(ours, outcome)
        return `**${middle.toFixed(2)}** (${low.toFixed(2)} to ${high.toFixed(2)})`
      })
      const { resident, device: onDevice } = outcome.peak
      const middle = median(outcome.seconds)
      return [
        outcome.name,
        middle.toFixed(2),
        Math.min(...outcome.seconds).toFixed(2),
        Math.max(...outcome.seconds).toFixed(2),
        (batchSize / middle).toFixed(2),
        ...factors,
        mebibytes(device.startsWith('cuda') ? onDevice : resident),
      ]
    })
    const missing = failed.map(({ name, reason }) => `\n\n${name} is missing: ${reason}.`)
    return table([[...head, memory], ...rows]) + missing.join('')
  })
  return tables.join('\n\n')
}

/** Where the time of a step goes, of the parties of the first group. */
function shares({ groups }: PretrainingResult): string {
  const rows = (groups[0]?.outcomes ?? []).map(({ name, parts }) => {
    const whole = Object.values(parts).reduce((sum, seconds) => sum + seconds, 0)
    const each = Object.entries(parts).map(
      ([part, seconds]) => `${part} ${seconds.toFixed(2)} s (${percent(seconds / whole)})`,
    )
    return [name, each.join(', ')]
  })
  return table([['', 'parts of one step'], ...rows])
}

function equalities({ equality: { outcomes } }: PretrainingResult): string {
  const peer = outcomes.find(({ name }) => name === PEER.name)
  if (peer === undefined) return 'Equality was not looked at: there is no peer.'
  const rows = outcomes
    .filter((outcome) => outcome !== peer)
    .map((outcome) => [
      outcome.name,
      lossDifference(outcome, peer).toExponential(1),
      percent(equalTokens(outcome, peer)),
    ])
  return table([
    ['', `largest relative difference of the loss, ${peer.losses.length} steps`, 'equal tokens'],
    ...rows,
  ])
}
