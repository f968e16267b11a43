import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, throws } from 'uvu/assert'
import {
  type BuiltWith,
  cudaRemedy,
  findLibtorch,
  type SearchEntry,
  searchLibtorch,
} from '../lib/libtorch.js'
import { fakeLibtorch } from './support/fake_libtorch.js'
import { suite } from './support/suite.js'
import { temporary } from './support/temporary.js'

const test = suite('the search for libtorch')

interface Variables {
  LIBTORCH?: string
  BEIT_PYTHON?: string
  PATH?: string
}

/** Runs `body` with these variables; by default neither LIBTORCH nor a Python names a libtorch. */
function withVariables<T>(variables: Variables, body: () => T): T {
  const { LIBTORCH = '', BEIT_PYTHON = '', PATH = '' } = process.env
  Object.assign(process.env, { LIBTORCH: '', BEIT_PYTHON: '/nowhere/python', ...variables })
  try {
    return body()
  } finally {
    Object.assign(process.env, { LIBTORCH, BEIT_PYTHON, PATH })
  }
}

function search(root: string, variables: Variables, ...builtWith: BuiltWith[]) {
  const trace: SearchEntry[] = []
  return { found: withVariables(variables, () => searchLibtorch(root, trace, builtWith)), trace }
}

test('LIBTORCH comes before the local copy', () => {
  const root = temporary()
  fakeLibtorch(join(root, '.libtorch', 'torch'), '2.13.0')
  const chosen = fakeLibtorch(temporary(), '2.12.1')
  is(search(root, { LIBTORCH: chosen }).found?.folder, chosen)
  const { found, trace } = search(root, {})
  equal([found?.foundBy, found?.version, found?.cudaLibrary], ['local copy', '2.13.0', null])
  equal(
    trace.map(({ foundBy, problem }) => [foundBy, problem === null]),
    [
      ['LIBTORCH', false],
      ['python', false],
      ['local copy', true],
    ],
  )
})

test('a CUDA build is told by its library', () => {
  const folder = fakeLibtorch(temporary(), '2.13.0', ['libc10', 'libtorch_cpu', 'libtorch_cuda'])
  match(search(temporary(), { LIBTORCH: folder }).found?.cudaLibrary ?? '', /libtorch_cuda/)
})

test('versions outside 2.11 to 2.15 and half copies are refused with the reason', () => {
  const problem = (folder: string) => search(temporary(), { LIBTORCH: folder }).trace[0]?.problem ?? ''
  match(problem(fakeLibtorch(temporary(), '2.10.0')), 'version 2.10.0; 2.11 to 2.15')
  match(problem(fakeLibtorch(temporary(), '3.0.0')), 'version 3.0.0')
  match(problem(fakeLibtorch(temporary(), '2.13.0', ['libc10'])), /libtorch_cpu.* is missing/)
  match(problem(temporary()), /version\.h is missing$/)
})

test('a version too old to have the header of today is told, and so is a folder above or below the right one', () => {
  const problem = (folder: string) => search(temporary(), { LIBTORCH: folder }).trace[0]?.problem ?? ''
  const old = temporary()
  mkdirSync(join(old, 'include/torch/csrc/api/include/torch'), { recursive: true })
  writeFileSync(
    join(old, 'include/torch/csrc/api/include/torch/version.h'),
    '#define TORCH_VERSION "1.13.1"\n',
  )
  is(problem(old), 'version 1.13.1; 2.11 to 2.15 are supported')
  const packages = temporary()
  mkdirSync(join(packages, 'torch'))
  const folder = fakeLibtorch(join(packages, 'torch'), '2.13.0')
  match(problem(packages), `version.h is missing; ${folder} has it`)
  match(problem(join(folder, 'lib')), `version.h is missing; ${folder} has it`)
  is(problem(join(folder, 'include/torch/headeronly/version.h')), 'not a folder')
})

test('a libtorch of another minor version than the build is passed over', () => {
  const root = temporary()
  fakeLibtorch(join(root, '.libtorch', 'torch'), '2.13.0')
  const gone = '/nowhere/torch'
  is(search(root, {}, { folder: gone, version: '2.13.4' }).found?.version, '2.13.0')
  const { found, trace } = search(root, {}, { folder: gone, version: '2.12.0' })
  is(found, null)
  equal(
    trace.map(({ foundBy }) => foundBy),
    ['LIBTORCH', 'python', 'build', 'local copy'],
  )
  match(trace[2]?.problem ?? '', 'no such folder')
  match(trace[3]?.problem ?? '', 'version 2.13.0, but the addon was built with 2.12.0')
})

/** A folder with a python3 that names `torch` as its package, and notes in `asked` that it was started. */
function fakePython(torch: string): { path: string; python: string; asked: string } {
  const path = temporary()
  const [python, asked] = [join(path, 'python3'), join(path, 'asked')]
  writeFileSync(python, `#!/bin/sh\necho yes > '${asked}'\necho '${torch}'\n`, { mode: 0o755 })
  return { path, python, asked }
}

test('the libtorch of the build comes before the Python on PATH, which is not even started', () => {
  const folder = fakeLibtorch(temporary(), '2.13.0')
  const { path, python, asked } = fakePython(fakeLibtorch(temporary(), '2.13.1'))
  const builtWith = { folder, version: '2.13.0' }
  const { found, trace } = search(temporary(), { BEIT_PYTHON: '', PATH: path }, builtWith)
  equal([found?.foundBy, found?.folder, trace.length], ['build', folder, 2])
  is(existsSync(asked), false)
  // Upgraded in place since: the Python is asked.
  const upgraded = { folder, version: '2.12.0' }
  is(search(temporary(), { BEIT_PYTHON: '', PATH: path }, upgraded).found, null)
  is(existsSync(asked), true)
  // LIBTORCH and BEIT_PYTHON are choices, and come first.
  is(search(temporary(), { BEIT_PYTHON: python }, builtWith).found?.version, '2.13.1')
  const chosen = fakeLibtorch(temporary(), '2.13.2')
  is(search(temporary(), { LIBTORCH: chosen }, builtWith).found?.version, '2.13.2')
})

test('where nothing is found the error tells every place', () => {
  throws(
    () => withVariables({}, () => findLibtorch([], temporary())),
    (error: Error & { code: string }) =>
      error.code === 'ERR_LIBTORCH' &&
      [/not set/, /\/nowhere\/python/, /\.libtorch/, /npm run setup/].every((part) =>
        part.test(error.message),
      ),
  )
  // Where LIBTORCH is set, setting up would refuse it as well.
  throws(
    () => withVariables({ LIBTORCH: '/nowhere' }, () => findLibtorch([], temporary())),
    /LIBTORCH: \/nowhere: no such folder\nWhat to do: set LIBTORCH to .*, or unset it and run 'npm run setup'/,
  )
})

test('the set-up step brings CUDA libraries to its own copy alone', () => {
  match(cudaRemedy({ foundBy: 'local copy' }), "run 'npm run setup -- --cuda'")
  for (const foundBy of ['LIBTORCH', 'python'] as const)
    match(cudaRemedy({ foundBy }), 'install a CUDA build of torch there')
})

test.run()
