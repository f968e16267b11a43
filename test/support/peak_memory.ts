/** How much memory a piece of work takes at its worst, by the kernel's count for this process. */
import { readFileSync, writeFileSync } from 'node:fs'

/** null where the kernel does not tell (only Linux does). */
export function startPeak(): number | null {
  try {
    // Sets the peak back to what is used now.
    writeFileSync('/proc/self/clear_refs', '5')
    return peak()
  } catch {
    return null
  }
}

/** Bytes above `start`, at most, since startPeak gave it. */
export function peakAbove(start: number | null): number | null {
  return start === null ? null : peak() - start
}

function peak(): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  if (line === null) throw new Error('no VmHWM in /proc/self/status')
  return Number(line[1]) * 1024
}
