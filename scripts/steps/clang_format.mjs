// clang-format of one version, so that two machines never format differently: from its wheel, into .tools.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { python } from './prerequisites.mjs'
import { capture, root } from './run.mjs'

const VERSION = '19.1.7'

/** Path of the program, or null where it cannot be installed. */
export async function clangFormat() {
  const folder = join(root, '.tools', `clang-format-${VERSION}`)
  if (!existsSync(folder)) {
    console.log(`Installing clang-format ${VERSION} into .tools`)
    const partial = `${folder}.partial`
    rmSync(partial, { recursive: true, force: true })
    const { status } = await capture(python(), [
      ...[
        '-m',
        'pip',
        'install',
        '--target',
        partial,
        '--no-deps',
        '--no-input',
        '--disable-pip-version-check',
      ],
      ...['--retries', '1', `clang-format==${VERSION}`],
    ])
    if (status !== 0) return null
    renameSync(partial, folder)
  }
  return join(folder, 'clang_format', 'data', 'bin', 'clang-format')
}
