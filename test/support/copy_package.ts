/** A second installation of the package, whole or with parts left out. */
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './paths.js'
import { temporary } from './temporary.js'

/**
 * A temporary folder with package.json, node_modules (a link) and these parts of the package: 'dist/lib',
 * 'build/Release'.
 */
export function copyPackage(...parts: string[]): string {
  const copy = temporary()
  for (const part of ['package.json', ...parts]) {
    cpSync(join(packageRoot, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(packageRoot, 'node_modules'), join(copy, 'node_modules'))
  return copy
}
