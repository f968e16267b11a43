/** How late a timer of JavaScript fires: whether the event loop is free. */

/**
 * Starts a timer and gives how late each of its ticks was, in ms, from the earliest to the latest when called;
 * the timer ends then.
 */
export function startLateTimer(periodMs: number): () => number[] {
  const late: number[] = []
  let expected = performance.now() + periodMs
  const timer = setInterval(() => {
    const now = performance.now()
    late.push(now - expected)
    expected = now + periodMs
  }, periodMs)
  return () => {
    clearInterval(timer)
    return late.sort((a, b) => a - b)
  }
}
