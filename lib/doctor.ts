/**
 * What this machine offers beit-torch, and what is wrong: works where the addon is not built or cannot be
 * loaded.
 */
import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { findAddons } from './addons.js'
import { type CpuInfo, cpuInfo } from './doctor/cpu.js'
import { type AddonProbe, probeAddon } from './doctor/probe.js'
import { type Problem, problemsOf } from './doctor/problems.js'
import { packageRoot } from './installation.js'
import { type Libtorch, minorVersion, type SearchEntry, searchLibtorch } from './libtorch.js'

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
    /** Of the one that fits the libtorch found; where none does, the first; where there is none, where a build puts it. */
    folder: string
    /** 'built' here or 'prebuilt'; null: there is none. */
    kind: 'built' | 'prebuilt' | null
    /** Versions of libtorch that addons are here for. */
    builtWith: string[]
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
  const addons = findAddons()
  const builtWith = addons.map((one) => one.libtorch)
  const found = searchLibtorch(packageRoot, search, builtWith)
  const fits = (version: string) => found !== null && minorVersion(version) === minorVersion(found.version)
  const addon = addons.find((one) => fits(one.libtorch.version)) ?? addons[0]
  // A child process loads the addon: what crashes it there is a finding here.
  const probe = addon !== undefined && found !== null ? await probeAddon() : null
  const report: Omit<DoctorReport, 'problems'> = {
    package: { version: packageVersion(), folder: packageRoot },
    node: { version: process.version, platform: `${process.platform}-${process.arch}` },
    addon: {
      folder: addon?.folder ?? join(packageRoot, 'build', 'Release'),
      kind: addon === undefined ? null : addon.prebuilt ? 'prebuilt' : 'built',
      builtWith: builtWith.map(({ version }) => version),
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
