/** The other end of probe.ts, in the child process: prints an AddonProbe, or the error's message. */
import { native } from '../binding.js'
import { cudaProblem, devices, threads } from '../device.js'
import type { AddonProbe } from './probe.js'

export async function answer(): Promise<void> {
  try {
    const { compiled, config, jpeg } = native().version()
    const probe: AddonProbe = {
      compiledAgainst: compiled,
      cpuCapability: /CPU capability usage: (\S+)/.exec(config)?.[1] ?? null,
      nativeJpeg: jpeg,
      threads: await threads(),
      devices: await devices(),
      cudaProblem: await cudaProblem(),
    }
    process.stdout.write(JSON.stringify(probe))
  } catch (error) {
    process.stderr.write((error as Error).message)
    process.exitCode = 1
  }
}
