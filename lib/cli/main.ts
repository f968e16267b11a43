/** The program behind the command `beit`: scripts/beit.mjs imports this file. */
import { run } from './run.js'

// `beit info FILE | head` closes the pipe early: nobody is left to read, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
process.exitCode = await run(process.argv.slice(2))
