/** The first Ctrl-C aborts the signal, so that a run finishes its step and saves; the second ends the process. */
export function stopOnCtrlC(): AbortSignal {
  const controller = new AbortController()
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130)
    console.error('\nstopping: this step is finished and saved first; Ctrl-C again ends at once')
    controller.abort()
  })
  return controller.signal
}
