/** Several parties at the same work in turn: the times of each, and whether they compute the same. */

import { median } from '../statistics.js'
import type { Rates } from './floor.js'
import { type Owner, Party } from './party.js'
import type { Answers, Work } from './work.js'

/** Who takes part, and with which settings of its own. */
export interface Entrant {
  name: string
  owner: Owner
  work: Partial<Work>
}

/** What a party did. */
export interface Outcome {
  name: string
  versions: Record<string, string>
  /** Of the first step, which is not counted: it allocates, and compiles where something is compiled. */
  firstSeconds: number
  /** Of each step counted. */
  seconds: number[]
  /** Of all steps, the first included. */
  losses: number[]
  peak: Answers['peak']
  /** Where they were asked for. */
  tokens?: number[]
  parts?: Record<string, number>
  /** Of the device; from our program alone. */
  rates?: Rates
}

/** A comparison: who took part, and who could not. */
export interface Group {
  outcomes: Outcome[]
  failed: { name: string; reason: string }[]
}

export interface GroupOptions {
  /** Steps of each party that are counted. */
  rounds: number
  /** Whether to ask for tokens and parts too. */
  details?: boolean
  report: (line: string) => void
}

/**
 * Starts all parties, then lets them take `rounds` steps in turn after a first one that is not counted. A party
 * that fails to start or at its first step is left out, and named in `failed`.
 */
export async function inTurn(
  entrants: readonly Entrant[],
  work: Work,
  { rounds, details = false, report }: GroupOptions,
): Promise<Group> {
  const parties: { party: Party; outcome: Outcome }[] = []
  const failed: Group['failed'] = []
  try {
    for (const { name, owner, work: own } of entrants) {
      try {
        const { party, versions } = await Party.start(name, owner, { ...work, ...own })
        // Before the steps, while the device has memory to spare.
        const rates = details && owner === 'ours' ? await party.ask('rates') : undefined
        const { seconds, loss } = await party.ask('step')
        report(`${name}: first step ${seconds.toFixed(2)} s, loss ${loss.toFixed(6)}`)
        const outcome: Outcome = {
          name,
          versions,
          firstSeconds: seconds,
          seconds: [],
          losses: [loss],
          peak: { resident: 0, device: 0 },
          ...(rates && { rates }),
        }
        parties.push({ party, outcome })
      } catch (error) {
        failed.push({ name, reason: (error as Error).message })
        report(`${name} is left out: ${(error as Error).message}`)
      }
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { party, outcome } of parties) {
        const { seconds, loss } = await party.ask('step')
        outcome.seconds.push(seconds)
        outcome.losses.push(loss)
      }
      const line = parties.map(({ outcome }) => `${outcome.name} ${outcome.seconds.at(-1)?.toFixed(2)} s`)
      report(`round ${round} of ${rounds}: ${line.join(', ')}`)
    }
    for (const { party, outcome } of parties) {
      // Before the parts: they may hold more at once than a step does.
      outcome.peak = await party.ask('peak')
      if (!details) continue
      outcome.tokens = (await party.ask('tokens')).tokens
      outcome.parts = await party.ask('parts')
    }
  } finally {
    await Promise.all(parties.map(({ party }) => party.stop()))
  }
  return { outcomes: parties.map(({ outcome }) => outcome), failed }
}

/** How many times as fast `one` is as `other`: of the rounds of one comparison, whose steps alternate. */
export function ratio(one: Outcome, other: Outcome): { median: number; low: number; high: number } {
  const ratios = one.seconds.map((seconds, round) => (other.seconds[round] as number) / seconds)
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) }
}

/** Largest relative difference of the losses of the steps. */
export const lossDifference = (one: Outcome, other: Outcome): number =>
  Math.max(...one.losses.map((loss, step) => Math.abs(loss / (other.losses[step] as number) - 1)))

/** Share of the tokens that are equal; null where they were not asked for. */
export function equalTokens({ tokens }: Outcome, { tokens: others }: Outcome): number | null {
  if (!tokens || !others) return null
  return tokens.filter((token, i) => token === others[i]).length / tokens.length
}
