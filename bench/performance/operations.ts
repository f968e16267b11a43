/** Each optimised operation by itself: the plain path and the fast one in turn. */
import { Tensor } from 'beit-torch'
import { native } from '../../lib/binding.js'
import type { NativeBindings } from '../../lib/native.js'
import { median } from '../statistics.js'
import { table } from './markdown.js'
import { type Case, operationCases } from './operation_cases.js'
import type { Part } from './part.js'

/** Seconds of an operation, forward and, where the case asks for it, backward. */
export interface OperationResult {
  name: string
  what: string
  precision: 'fp32' | 'bf16'
  plain: number
  fast: number
}

/** A case is repeated for about this long. */
const SECONDS = 1.2

export const operations: Part<OperationResult[]> = {
  name: 'operations',
  async run({ size, device, report }) {
    const results: OperationResult[] = []
    for (const one of operationCases(size, device)) {
      for (const precision of one.precisions) {
        const result = await time(one, precision, device, size.name === 'smoke' ? 0 : SECONDS)
        report(`${result.what}, ${precision}: ${(result.plain / result.fast).toFixed(2)} times as fast`)
        results.push(result)
      }
    }
    return results
  },
  markdown(results) {
    const rows = results.map(({ what, precision, plain, fast }) => [
      what,
      precision,
      (1000 * plain).toFixed(2),
      (1000 * fast).toFixed(2),
      `**${(plain / fast).toFixed(2)}**`,
    ])
    return table([['operation', 'precision', 'plain, ms', 'fast, ms', 'times as fast'], ...rows])
  },
}

async function time(
  one: Case,
  precision: 'fp32' | 'bf16',
  device: string,
  limit: number,
): Promise<OperationResult> {
  const inputs = await Promise.all(one.tensors().map((tensor) => tensor?.to({ device }) ?? null))
  const run = async (optimize: 'auto' | 'off', upstream: readonly (Tensor | null)[] | null) => {
    // The plain path is fp32 whatever is asked for: what it is compared with stays the same.
    const settings: Parameters<NativeBindings['runOperation']>[3] = {
      precision: optimize === 'off' ? 'fp32' : precision,
      optimize,
      gradients: upstream?.map((tensor) => tensor?.handle ?? null),
    }
    const began = performance.now()
    const { outputs, gradients } = await native().runOperation(
      one.operation,
      inputs.map((tensor) => tensor?.handle ?? null),
      one.numbers,
      settings,
    )
    const seconds = (performance.now() - began) / 1000
    const tensors = outputs.map((handle) => handle && new Tensor(handle))
    for (const handle of gradients) if (handle) new Tensor(handle).dispose()
    return { seconds, tensors }
  }
  const first = await run('off', null)
  const upstream = one.backward
    ? first.tensors.map((tensor) => (tensor?.dtype.startsWith('float') ? tensor : null))
    : null
  const times: Record<'auto' | 'off', number[]> = { auto: [], off: [] }
  let spent = 0
  for (let round = 0; round < 2 || (spent < limit && round < 30); round++) {
    for (const optimize of ['auto', 'off'] as const) {
      const { seconds, tensors } = await run(optimize, upstream)
      for (const tensor of tensors) tensor?.dispose()
      // The first round warms both up.
      if (round > 0) times[optimize].push(seconds)
      spent += seconds
    }
  }
  for (const tensor of [...inputs, ...first.tensors]) tensor?.dispose()
  return {
    name: one.operation,
    what: one.what,
    precision,
    plain: median(times.off),
    fast: median(times.auto),
  }
}
