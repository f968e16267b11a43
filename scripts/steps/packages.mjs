// npm packages: installed from the lock file when node_modules is older than it.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { must, root } from './run.mjs'

/** Does nothing inside an installed package, which has no lock file. */
export async function installPackages() {
  const lock = join(root, 'package-lock.json')
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(lock)) return
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  console.log('Installing npm packages')
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  // The compiler and the checks are development packages, whatever NODE_ENV says.
  await must('npm ci', command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund'])
}
