// What npm would publish, and whether publint, at its strictest, and attw find fault with it. attw reads the types as
// every kind of importer does; it is used as a library, since its command brings forty packages to print with.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, root } from './run.mjs'

/**
 * Packs a package into `folder`, without running its scripts: what is stale is packed stale.
 * @param {string} source
 * @returns {Promise<{ tarball: string, files: string[], bytes: number, unpackedBytes: number }>}
 */
export async function pack(folder, source = root) {
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  const flags = ['--json', '--silent', '--ignore-scripts', '--pack-destination', folder]
  const output = await must('npm pack', command, [...first, 'pack', source, ...flags])
  const [{ filename, files, size, unpackedSize }] = JSON.parse(output)
  const paths = files.map(({ path }) => path)
  return { tarball: join(folder, filename), files: paths, bytes: size, unpackedBytes: unpackedSize }
}

/** Everything that publint and attw say of the packed package, a line each. */
export async function packageProblems() {
  const folder = mkdtempSync(join(tmpdir(), 'beit-pack-'))
  try {
    const { tarball } = await pack(folder)
    const data = readFileSync(tarball)
    return [...(await publintProblems(data)), ...(await typeProblems(data))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function publintProblems(data) {
  const { publint } = await import('publint')
  const { formatMessage } = await import('publint/utils')
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)
  const { messages, pkg } = await publint({ strict: true, pack: { tarball } })
  return messages.map((message) => `publint ${message.type}: ${formatMessage(message, pkg)}`)
}

async function typeProblems(data) {
  const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core')
  const analysis = await checkPackage(createPackageFromTarballData(data))
  if (!analysis.types) return ['attw: the package has no types']
  return analysis.problems.map((problem) => `attw: ${JSON.stringify(problem)}`)
}
