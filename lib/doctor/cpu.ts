/** The processor, and the vector instructions that decide how fast libtorch is on it. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

/** The processor, as far as it matters here. */
export interface CpuInfo {
  /** The processor's own name. */
  model: string
  /** Processors that this process may use. */
  processors: number
  /** Instruction sets that matter here and that it has; null where the system does not say. */
  features: string[] | null
}

const INTERESTING = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd', 'bf16', 'sve']

export function cpuInfo(): CpuInfo {
  return {
    model: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    features: process.platform === 'linux' ? linuxFeatures() : null,
  }
}

function linuxFeatures(): string[] | null {
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]
    if (flags === undefined) return null
    const present = new Set(flags.trim().split(' '))
    return INTERESTING.filter((name) => present.has(name))
  } catch {
    return null
  }
}
