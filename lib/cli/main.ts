/** The program behind the command `beit`: scripts/beit.mjs imports this file. */
import { run } from './run.js'

process.exitCode = await run(process.argv.slice(2))
