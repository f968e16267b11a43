/** A folder that the search for libtorch takes for one, and that nothing can be loaded from. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns `folder` */
export function fakeLibtorch(folder: string, version: string, files = ['libc10', 'libtorch_cpu']): string {
  const header = join(folder, 'include', 'torch', 'headeronly')
  mkdirSync(header, { recursive: true })
  writeFileSync(join(header, 'version.h'), `#define TORCH_VERSION \\\n  "${version}"\n`)
  mkdirSync(join(folder, 'lib'))
  const suffix = process.platform === 'darwin' ? 'dylib' : 'so'
  for (const file of files) writeFileSync(join(folder, 'lib', `${file}.${suffix}`), '')
  return folder
}
