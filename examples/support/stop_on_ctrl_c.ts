/**
 * The events of a run that Ctrl-C stops: the first one aborts the signal, so that the run finishes its step and saves;
 * the second ends the process. Before and after the run Ctrl-C does what it always does.
 */
export async function* stopOnCtrlC<E>(
  run: (signal: AbortSignal) => AsyncIterable<E>,
): AsyncGenerator<E, void, undefined> {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    console.error('\nstopping: this step is finished and saved first; Ctrl-C again ends at once')
    controller.abort()
  }
  process.on('SIGINT', stop)
  try {
    yield* run(controller.signal)
  } finally {
    process.off('SIGINT', stop)
  }
}
