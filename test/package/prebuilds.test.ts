/** What goes into prebuilt addons, and the workflow that makes and publishes them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { equal, is, match, ok } from 'uvu/assert'
import { parse } from 'yaml'
import { inspectLibtorch } from '../../lib/libtorch.js'
import { fakeLibtorch } from '../support/fake_libtorch.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('prebuilt addons')
const { NEWEST, parseNeeds, portabilityProblems } = await import(
  pathToFileURL(join(packageRoot, 'scripts', 'steps', 'portability.mjs')).href
)
const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')

/** As `objdump -p` prints it. */
const dump = (libraries: string[], versions: string[]) =>
  [
    'Dynamic Section:',
    ...libraries.map((library) => `  NEEDED               ${library}`),
    'Version References:',
    '  required from libc.so.6:',
    ...versions.map((version) => `    0x09691a75 0x00 13 ${version}`),
  ].join('\n')

test('the newest version of each kind is what a library needs', () => {
  const needs = parseNeeds(
    dump(
      ['libtorch_cpu.so', 'libc.so.6'],
      ['GLIBC_2.2.5', 'GLIBC_2.34', 'GLIBC_2.4', 'GLIBCXX_3.4.9', 'GLIBCXX_3.4.30'],
    ),
  )
  equal(needs, { libraries: ['libtorch_cpu.so', 'libc.so.6'], glibc: '2.34', glibcxx: '3.4.30' })
  equal(portabilityProblems('beit.node', needs), [])
})

test('what another machine may lack is named', () => {
  const needs = parseNeeds(
    dump(['libjpeg.so.62', 'libstdc++.so.6', 'ld-linux-x86-64.so.2'], ['GLIBC_2.38', 'GLIBCXX_3.4.31']),
  )
  equal(portabilityProblems('beit.node', needs), [
    'beit.node needs libjpeg.so.62, which a machine need not have',
    `beit.node needs glibc 2.38, newer than ${NEWEST.glibc}`,
    `beit.node needs GLIBCXX 3.4.31, newer than ${NEWEST.glibcxx}`,
  ])
})

test('docs/install.md promises what the script holds prebuilds to', () => {
  const text = read('docs/install.md')
  ok(text.includes(`glibc ${NEWEST.glibc}`), 'glibc')
  ok(text.includes(`GLIBCXX_${NEWEST.glibcxx}`), 'libstdc++')
})

test('the workflow is YAML, calls what exists, and builds every supported libtorch', () => {
  const workflow = parse(read('.github/workflows/prebuilds.yml'), { strict: true })
  equal(Object.keys(workflow.jobs), ['build', 'package'])
  const steps = Object.values(
    workflow.jobs as Record<string, { steps: { uses?: string; run?: string }[] }>,
  ).flatMap((job) => job.steps)
  ok(steps.every(({ uses, run }) => (uses === undefined) !== (run === undefined)))
  for (const { uses } of steps) if (uses !== undefined) match(uses, /^actions\/[\w-]+@v\d+$/)
  const { scripts, bin } = JSON.parse(read('package.json'))
  const commands = steps.map(({ run }) => run ?? '').join('\n')
  const named = [...commands.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name as string)
  equal(named, ['prebuild-addon'])
  ok(named.every((name) => name in scripts) && 'beit' in bin)
  const versions = (workflow.env.LIBTORCH_VERSIONS as string).split(' ')
  for (const version of versions) {
    is(typeof inspectLibtorch(fakeLibtorch(temporary(), version), 'LIBTORCH'), 'object', version)
  }
  equal(
    versions.map((version) => version.split('.')[1]),
    ['11', '12', '13', '14', '15'],
  )
})

test('only the job that publishes may sign, and it does', () => {
  const { permissions, jobs } = parse(read('.github/workflows/prebuilds.yml'))
  equal([permissions, jobs.build.permissions], [{ contents: 'read' }, undefined])
  equal(jobs.package.permissions, { contents: 'read', 'id-token': 'write' })
  const last = jobs.package.steps.at(-1)
  equal([last.run, last.if], ['npm publish --provenance --access public', "github.ref_type == 'tag'"])
})

test.run()
