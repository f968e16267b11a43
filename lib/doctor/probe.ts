/** Loads the addon in a child process and asks it what it is: a crash there cannot take the doctor along. */
import { spawn } from 'node:child_process'
import type { DeviceInfo } from '../device.js'

/** What a loaded addon says of itself. */
export interface AddonProbe {
  /** Version of libtorch it was compiled against. */
  compiledAgainst: string
  /** "AVX512": the instruction set that libtorch chose. */
  cpuCapability: string | null
  /** JPEG files are decoded natively, at two to three times the speed of sharp. */
  nativeJpeg: boolean
  /** CPU threads of one operation. */
  threads: number
  /** What it can compute on. */
  devices: DeviceInfo[]
  /** Why no GPU can be used; null: one can. */
  cudaProblem: string | null
}

/** The probe's answer, or why there is none. */
export function probeAddon(): Promise<AddonProbe | string> {
  const code = `import { answer } from ${JSON.stringify(new URL('./answer.js', import.meta.url).href)}; await answer()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    errors += chunk
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (status, signal) => {
      if (signal !== null) resolve(`loading it ends the process with ${signal}`)
      else if (status !== 0) resolve(errors.trim() || `loading it ends the process with status ${status}`)
      else resolve(JSON.parse(output))
    })
  })
}
