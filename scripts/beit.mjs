#!/usr/bin/env node
// The command `beit`: dist/lib/cli/main.js, or what to do where it is not built.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const command = join(root, 'dist', 'lib', 'cli', 'main.js')
if (existsSync(command)) {
  await import(pathToFileURL(command).href)
} else {
  console.error(`beit: ${command} is missing. Run 'npm run setup' in ${root}.`)
  process.exitCode = 1
}
