// What the machine must have before anything can be installed or built. All that is missing is named in one
// error.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture, StepError } from './run.mjs'

const NEEDS = [
  { name: 'Node.js 20.19 or newer', check: nodeProblem, apt: 'nodejs npm', dnf: 'nodejs', brew: 'node' },
  {
    name: 'Python 3 with pip',
    check: pipProblem,
    apt: 'python3 python3-pip',
    dnf: 'python3 python3-pip',
    brew: 'python3',
  },
  { name: 'a C++ compiler with C++20', check: compilerProblem, apt: 'g++', dnf: 'gcc-c++', brew: '' },
  { name: 'CMake 3.22 or newer', check: cmakeProblem, apt: 'cmake', dnf: 'cmake', brew: 'cmake' },
  { name: 'ninja or make', check: generatorProblem, apt: 'ninja-build', dnf: 'ninja-build', brew: 'ninja' },
]

/**
 * Checks everything; `python: false` where libtorch is already there and pip is not needed, `compiler: false` where
 * nothing is compiled.
 */
export async function checkPrerequisites({ python = true, compiler = true } = {}) {
  const checked = NEEDS.filter(
    ({ check }) => check === nodeProblem || (check === pipProblem ? python : compiler),
  )
  const problems = await Promise.all(checked.map((need) => need.check()))
  const missing = checked.flatMap((need, i) =>
    problems[i] === null ? [] : [{ ...need, problem: problems[i] }],
  )
  if (missing.length === 0) return
  const packages = (manager) => missing.flatMap((need) => need[manager] || []).join(' ')
  // On macOS the compiler comes with Apple's command line tools.
  const brew = [
    missing.some((need) => need.check === compilerProblem) ? 'xcode-select --install' : '',
    packages('brew') && `brew install ${packages('brew')}`,
  ]
  throw new StepError(
    [
      'This machine lacks what setting up beit-torch takes:',
      ...missing.map(({ name, problem }) => `  - ${name}: ${problem}`),
      'Install it with',
      `  Debian, Ubuntu:  sudo apt-get install -y ${packages('apt')}`,
      `  Fedora:          sudo dnf install -y ${packages('dnf')}`,
      `  macOS:           ${brew.filter(Boolean).join(' && ')}`,
      'and run the same command again.',
    ].join('\n'),
  )
}

/**
 * The Python that installs libtorch and whose torch package is looked for: lib/libtorch.ts reads the same
 * variable.
 */
export const python = () => process.env.BEIT_PYTHON || 'python3'

async function nodeProblem() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19) ? null : `this is ${process.versions.node}`
}

async function pipProblem() {
  const { status } = await capture(python(), ['-m', 'pip', '--version'])
  if (status === 0) return null
  if ((await version(python())) !== null) return `${python()} has no pip`
  return process.env.BEIT_PYTHON ? `BEIT_PYTHON is ${python()}, which does not run` : 'no python3 on the PATH'
}

async function compilerProblem() {
  const compiler = process.env.CXX || 'c++'
  const folder = mkdtempSync(join(tmpdir(), 'beit-setup-'))
  const file = join(folder, 'probe.cc')
  writeFileSync(
    file,
    '#include <concepts>\n#include <span>\ntemplate <std::integral T> T f(T x) { return x; }\n',
  )
  const { status } = await capture(compiler, ['-std=c++20', '-fsyntax-only', file])
  rmSync(folder, { recursive: true })
  if (status === 0) return null
  return (await version(compiler)) === null
    ? `no ${compiler} on the PATH`
    : `${compiler} does not compile C++20`
}

async function cmakeProblem() {
  const found = await version('cmake')
  if (found === null) return 'no cmake on the PATH'
  const [major = 0, minor = 0] = found.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 22) ? null : `this is ${found} (pip installs a newer one)`
}

async function generatorProblem() {
  for (const tool of ['ninja', 'make']) if ((await version(tool)) !== null) return null
  return 'neither is on the PATH'
}

/** The first number that `tool --version` prints, or null when it does not run. */
async function version(tool) {
  const { status, output } = await capture(tool, ['--version'])
  return status === 0 ? (/\d+(\.\d+)+/.exec(output)?.[0] ?? '') : null
}
