/** When the loop asks for the numbers of a step only after it has begun the next one, so that no GPU waits for it. */

let everywhere = false

/** Whether a run whose module is on `device` does so. A profiled step is waited for anyway. */
export const readsLate = (device: string, profile: boolean): boolean =>
  !profile && (everywhere || device !== 'cpu')

/** @internal For tests: on a CPU too. */
export function readLateEverywhere(on: boolean): void {
  everywhere = on
}
