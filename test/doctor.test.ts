import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { equal, is, match, ok } from 'uvu/assert'
import { libtorchInUse } from '../lib/binding.js'
import { type DoctorReport, doctor, formatDoctor } from '../lib/index.js'
import { minorVersion } from '../lib/libtorch.js'
import { copyPackage } from './support/copy_package.js'
import { packageRoot } from './support/paths.js'
import { suite } from './support/suite.js'

const test = suite('doctor')

/** The report of an installation in `folder`, by a process of its own. */
function doctorOf(folder: string, env: NodeJS.ProcessEnv = {}): DoctorReport {
  const module = pathToFileURL(join(folder, 'dist', 'lib', 'doctor.js')).href
  const code = `import { doctor, formatDoctor } from '${module}'
    const report = await doctor(); formatDoctor(report); console.log(JSON.stringify(report))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    env: { ...process.env, LIBTORCH: libtorchInUse().libtorch.folder, ...env },
  })
  is(stderr, '')
  return JSON.parse(stdout)
}
const fatal = ({ problems }: DoctorReport) =>
  problems.filter((problem) => problem.fatal).map(({ what }) => what)

test('a whole installation: nothing fatal, and every fact is there', async () => {
  const report = await doctor()
  equal(fatal(report), [])
  equal(report.libtorch.found?.folder, libtorchInUse().libtorch.folder)
  is(report.addon.loaded?.devices[0]?.name, 'cpu')
  ok((report.addon.loaded?.threads ?? 0) >= 1)
  const text = formatDoctor(report)
  for (const label of [
    'beit-torch',
    'Node.js',
    'Addon',
    'JPEG',
    'libtorch',
    'CPU',
    'Threads',
    'Memory',
    'GPU',
  ]) {
    match(text, new RegExp(`^${label} +\\S`, 'm'))
  }
})

test('without an addon it says how to build it', () => {
  const report = doctorOf(copyPackage('dist/lib'))
  equal(fatal(report), ['the addon is not built'])
  match(report.problems[0]?.remedy ?? '', 'npx beit setup')
})

test('where nothing was built the prebuilt addon of the platform and of the libtorch is loaded', () => {
  const copy = copyPackage('dist/lib')
  const folder = join(copy, 'prebuilds', `${process.platform}-${process.arch}`)
  const { version } = libtorchInUse().libtorch
  const [fitting, other] = [version, '2.99.0'].map((one) => {
    const flavour = join(folder, `libtorch-${minorVersion(one)}`)
    cpSync(join(packageRoot, 'build', 'Release'), flavour, { recursive: true })
    // As scripts/prebuild.mjs leaves it: without the folder of libtorch on the machine that built it.
    writeFileSync(join(flavour, 'libtorch.json'), JSON.stringify({ version: one }))
    return flavour
  }) as [string, string]
  cpSync(join(other, 'preload', 'preload.node'), join(folder, 'preload.node'))
  const report = doctorOf(copy)
  equal(fatal(report), [])
  equal([report.addon.kind, report.addon.folder], ['prebuilt', fitting])
  equal(report.addon.builtWith, [version, '2.99.0'])
  is(report.addon.loaded?.devices[0]?.name, 'cpu')
})

test('without libtorch it prints the whole search', () => {
  const copy = copyPackage('dist/lib', 'build/Release')
  const note = JSON.stringify({ folder: '/nowhere/torch', version: '2.13.0' })
  writeFileSync(join(copy, 'build', 'Release', 'libtorch.json'), note)
  const report = doctorOf(copy, {
    LIBTORCH: '',
    BEIT_PYTHON: '/nowhere/python',
  })
  equal(fatal(report), ['no libtorch can be used'])
  equal(
    report.libtorch.search.map(({ foundBy }) => foundBy),
    ['LIBTORCH', 'python', 'build', 'local copy'],
  )
  match(report.libtorch.search[1]?.problem ?? '', 'ENOENT')
})

test('a LIBTORCH that cannot be used is not replaced in silence', () => {
  const report = doctorOf(packageRoot, { LIBTORCH: '/nowhere/libtorch' })
  is(report.libtorch.found, null)
  equal(report.libtorch.search, [
    { foundBy: 'LIBTORCH', place: '/nowhere/libtorch', problem: 'no such folder' },
  ])
})

test('an addon of another libtorch is named with both versions', () => {
  const copy = copyPackage('dist/lib', 'build/Release')
  writeFileSync(join(copy, 'build', 'Release', 'libtorch.json'), '{"folder": "/x", "version": "2.11.0"}')
  const report = doctorOf(copy)
  is(report.libtorch.found, null)
  match(report.libtorch.search[0]?.problem ?? '', 'built with 2.11.0')
})

test('an addon that cannot be loaded', () => {
  const copy = copyPackage('dist/lib', 'build/Release')
  writeFileSync(join(copy, 'build', 'Release', 'beit.node'), 'not a library')
  match(fatal(doctorOf(copy))[0] ?? '', /the addon does not load: .*beit\.node/)
})

test('an addon that crashes the process while it loads', () => {
  const copy = copyPackage('dist/lib', 'build/Release')
  writeFileSync(
    join(copy, 'dist', 'lib', 'doctor', 'answer.js'),
    "export const answer = () => process.kill(process.pid, 'SIGSEGV')",
  )
  match(fatal(doctorOf(copy))[0] ?? '', 'the addon does not load: loading it ends the process with SIGSEGV')
})

test.run()
