/**
 * What this machine offers beit-torch, and what is wrong: works where the addon is not built or cannot be
 * loaded.
 */
import { existsSync, readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { addonFolder, builtWith, packageRoot } from './binding.js'
import { type CpuInfo, cpuInfo } from './doctor/cpu.js'
import { type AddonProbe, probeAddon } from './doctor/probe.js'
import { type Problem, problemsOf } from './doctor/problems.js'
import { type Libtorch, type SearchEntry, searchLibtorch } from './libtorch.js'

export { formatDoctor } from './doctor/format.js'
export type { Problem } from './doctor/problems.js'

/** Plain data, as `beit doctor --json` prints it. */
export interface DoctorReport {
  /** This package. */
  package: { version: string; folder: string }
  /** Node.js, and the platform it is for. */
  node: { version: string; platform: string }
  /** The native addon. */
  addon: {
    /** Where it is looked for. */
    folder: string
    /** Is there one? */
    built: boolean
    /** Version of libtorch that it was built with, as the build noted it. */
    builtWith: string | null
    /** What it says of itself; null where it does not load. */
    loaded: AddonProbe | null
    /** Why it does not load; null where it does. */
    problem: string | null
  }
  /** The library that computes. */
  libtorch: {
    /** The one that is used; null: there is none. */
    found: Libtorch | null
    /** Every place looked at, in order. */
    search: SearchEntry[]
  }
  /** The processor, and what of it is used. */
  cpu: CpuInfo
  /** Of the machine. */
  memory: { totalBytes: number; freeBytes: number }
  /** What is wrong, with what to do about it; `fatal`: nothing works until then. */
  problems: Problem[]
}

/**
 * Looks at everything that beit-torch needs. Never throws for what it finds wrong.
 *
 * @example
 * const report = await doctor()
 * console.log(formatDoctor(report))
 */
export async function doctor(): Promise<DoctorReport> {
  const search: SearchEntry[] = []
  const built = builtWith()
  const found = searchLibtorch(packageRoot, search, built)
  const addonBuilt = existsSync(join(addonFolder, 'beit.node'))
  // A child process loads the addon: what crashes it there is a finding here.
  const probe = addonBuilt && found !== null ? await probeAddon() : null
  const report: Omit<DoctorReport, 'problems'> = {
    package: { version: packageVersion(), folder: packageRoot },
    node: { version: process.version, platform: `${process.platform}-${process.arch}` },
    addon: {
      folder: addonFolder,
      built: addonBuilt,
      builtWith: built?.version ?? null,
      loaded: typeof probe === 'string' ? null : probe,
      problem: typeof probe === 'string' ? probe : null,
    },
    libtorch: { found, search },
    cpu: cpuInfo(),
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
  }
  return { ...report, problems: problemsOf(report) }
}

/** Of this library. */
export const packageVersion = (): string =>
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
