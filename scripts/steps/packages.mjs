// npm packages: installed from the lock file when node_modules is older than it.
import { existsSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { must, root } from './run.mjs'

/** Those of the project, or of a package in `folder`. Does nothing inside an installed package, which has no lock file. */
export async function installPackages(folder = root) {
  const lock = join(folder, 'package-lock.json')
  const installed = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(lock)) return
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  console.log(`Installing npm packages${folder === root ? '' : ` into ${relative(root, folder)}`}`)
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  // The compiler and the checks are development packages, whatever NODE_ENV says.
  const flags = ['--prefix', folder, '--include=dev', '--no-audit', '--no-fund']
  await must('npm ci', command, [...first, 'ci', ...flags])
}
