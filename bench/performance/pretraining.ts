/** The step of pre-training beside PyTorch's: times, ratios, memory, parts, and that both compute the same. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { percent } from '../../lib/log/format.js'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { median } from '../statistics.js'
import { type Entrant, equalTokens, type Group, inTurn, lossDifference, ratio } from './comparison.js'
import { floorSeconds, type Rates } from './floor.js'
import { table } from './markdown.js'
import type { BenchOptions, Part } from './part.js'
import { prepare } from './prepare.js'
import { type Size, TOKEN_PIXELS } from './sizes.js'
import { RECIPE, type Work } from './work.js'

const OURS: Entrant = { name: 'beit-torch fp32', owner: 'ours', work: {} }
export const OURS_BF16: Entrant = { name: 'beit-torch bf16', owner: 'ours', work: { precision: 'bf16' } }
export const OURS_GRAPHS: Entrant = {
  name: 'beit-torch bf16, CUDA graphs',
  owner: 'ours',
  work: { precision: 'bf16', graphs: true },
}
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
export const PEER_BF16_ALL: Entrant = {
  name: 'PyTorch bf16 autocast, tokenizer too',
  owner: 'torch',
  work: { precision: 'bf16-all' },
}
const PEER_COMPILED: Entrant = {
  name: 'PyTorch fp32 torch.compile',
  owner: 'torch',
  work: { compile: true },
}
export const PEER_COMPILED_BF16: Entrant = {
  name: 'PyTorch bf16 torch.compile',
  owner: 'torch',
  work: { compile: true, precision: 'bf16-all' },
}

/** Four at a time: each of them holds a model, its moments and the activations of a step. */
const GROUPS = [
  [OURS, OURS_BF16, PEER, PEER_BF16],
  [OURS, OURS_BF16, OURS_OFF, PEER_BF16_ALL],
] as const
/** Two at a time and nothing in float32: the batches are as large as the memory of the GPU lets them be. */
const GROUPS_OF_GPU = [
  [OURS_BF16, PEER_BF16_ALL],
  [OURS_BF16, PEER_BF16],
  [OURS_BF16, OURS_GRAPHS],
] as const
/** Images of the batch that shows that results are equal, where the batch is larger. */
const EQUALITY_BATCH = 8

/** What it found. */
export interface PretrainingResult {
  size: Size
  device: string
  images: string
  /** Of the model. */
  parameters: number
  /** Each group's parties took their steps in turn; ratios are of one group. */
  groups: Group[]
  /** Without drop path. */
  equality: Group | null
}

export const pretraining: Part<PretrainingResult> = {
  name: 'pretraining',
  run: (options) =>
    withFiles(options, async (work, facts) => {
      const { device, rounds, report } = options
      const [main, ...others] = device.startsWith('cuda') ? GROUPS_OF_GPU : GROUPS
      const groups = [await inTurn(main, work, { rounds, details: true, report })]
      for (const group of others) {
        groups.push(await inTurn(group, work, { rounds: Math.floor(rounds / 2) + 1, report }))
      }
      return { ...facts, groups, equality: await sameResults(options, work) }
    }),
  markdown: (result) =>
    [times(result), shares(result), equalities(result), floors(result)].filter(Boolean).join('\n\n'),
}

/** Beside the compiled peer, whose compilation takes minutes. */
export const compiled: Part<PretrainingResult> = {
  name: 'compiled',
  byNameOnly: true,
  run: (options) =>
    withFiles(options, async (work, facts) => {
      const { device, rounds, report } = options
      const peer = device.startsWith('cuda') ? PEER_COMPILED_BF16 : PEER_COMPILED
      const entrants = device.startsWith('cuda') ? [OURS_BF16, peer] : [OURS, OURS_BF16, peer]
      const group = await inTurn(entrants, work, { rounds, report })
      return { ...facts, groups: [group], equality: null }
    }),
  markdown: (result) => `${times(result)}\n\n${firstSteps(result)}`,
}

/** Steps without drop path, whose losses are those of PyTorch. */
async function sameResults(options: BenchOptions, work: Work): Promise<Group> {
  const { size, device, report } = options
  report('without drop path:')
  const compare = (given: Work, entrants: readonly Entrant[], details: boolean) =>
    inTurn(entrants, { ...given, dropPath: 0 }, { rounds: 2, details, report })
  if (!device.startsWith('cuda')) return compare(work, [OURS, PEER], false)
  const few = { ...options, size: { ...size, batchSize: Math.min(size.batchSize, EQUALITY_BATCH) } }
  return withFiles(few, (own) => compare(own, [OURS, OURS_BF16, PEER], true))
}

/** Runs with the files that all parties read. */
async function withFiles<Result>(
  { size, device, attention }: BenchOptions,
  run: (work: Work, facts: Omit<PretrainingResult, 'groups' | 'equality'>) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'beit-bench-'))
  try {
    const { images, parameters, ...files } = await prepare(folder, size)
    const facts = { size, device, images, parameters }
    return await run({ ...RECIPE, ...files, device, attention }, facts)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// On a GPU libtorch counts for the peer alone.
const mebibytes = (value: number) => (value === 0 ? 'not counted' : value.toFixed(0))

function times({ groups, size: { batchSize }, device }: PretrainingResult): string {
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
  const rows = (groups[0]?.outcomes ?? []).map(({ name, parts = {} }) => {
    const whole = Object.values(parts).reduce((sum, seconds) => sum + seconds, 0)
    const each = Object.entries(parts).map(
      ([part, seconds]) => `${part} ${seconds.toFixed(2)} s (${percent(seconds / whole)})`,
    )
    return [name, each.join(', ')]
  })
  return table([['', 'parts of one step'], ...rows])
}

function equalities({ groups, equality }: PretrainingResult): string {
  const named = ({ outcomes }: Group, name: string) => outcomes.find((outcome) => outcome.name === name)
  const compared = [...groups, ...(equality ? [equality] : [])].find(
    (group) => named(group, PEER.name)?.tokens !== undefined,
  )
  const rows = compared?.outcomes.flatMap((outcome) => {
    const reference = named(compared, PEER.name)
    const share = reference && outcome !== reference ? equalTokens(outcome, reference) : null
    return share === null ? [] : [`${outcome.name} ${percent(share)}`]
  })
  const [ours, peer] = equality ? [named(equality, OURS.name), named(equality, PEER.name)] : []
  if (!rows?.length || !ours || !peer)
    return 'Whether both compute the same was not looked at: there is no peer.'
  return (
    `Tokens equal to those of ${PEER.name}: ${rows.join(', ')}. Without drop path the losses of ` +
    `${peer.losses.length} steps in fp32 differ by ${lossDifference(ours, peer).toExponential(1)} of theirs at most.`
  )
}

/** Images a second at the least time that a step could take on the device, and the rates this follows from. */
export function floorRate({
  device,
  groups,
  size,
  parameters,
}: PretrainingResult): (Rates & { floor: number }) | null {
  const rates = groups.flatMap(({ outcomes }) => outcomes.flatMap((outcome) => outcome.rates ?? []))[0]
  if (rates === undefined) return null
  const config = resolveBeitConfig(size.model)
  const tokenizer = { config: size.tokenizer, side: (size.imageSize / size.patchSize) * TOKEN_PIXELS }
  const precision = device.startsWith('cuda') ? 'bf16' : 'fp32'
  const floor = 1 / floorSeconds(config, parameters, tokenizer, size.masked, size.batchSize, rates, precision)
  return { ...rates, floor }
}

function floors(result: PretrainingResult): string {
  const rate = floorRate(result)
  if (rate === null) return ''
  const { arithmetic, memory, floor } = rate
  const reached = result.groups[0]?.outcomes.map(
    ({ name, seconds }) => `${name} ${percent(result.size.batchSize / median(seconds) / floor)}`,
  )
  const gpu = result.device.startsWith('cuda')
  const [precision, prefix, scale] = gpu ? ['bf16', 'T', 1e12] : ['float32', 'G', 1e9]
  return (
    `This device reaches ${(arithmetic / scale).toFixed(0)} ${prefix}FLOP/s on ${precision} matrix products and copies ` +
    `${(memory / scale).toFixed(2)} ${prefix}B/s. The floor these give to a step whose products are computed as they are ` +
    `defined is ${floor.toFixed(gpu ? 0 : 2)} images/s in ${precision}, of which is reached: ${reached?.join(', ')}.`
  )
}

function firstSteps({ groups }: PretrainingResult): string {
  const first = groups[0]?.outcomes.map(({ name, firstSeconds }) => `${name} ${firstSeconds.toFixed(0)} s`)
  return `The first step, compilation included, took: ${first?.join(', ')}.`
}
