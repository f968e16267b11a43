// Types, lint and formatting of both languages, whether lib/native.ts still mirrors the addon, and what publint and
// attw say of the package as npm would publish it.
//
//   npm run check           says what is wrong
//   npm run format          puts right what can be (--write)
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setup } from './setup.mjs'
import { clangFormat } from './steps/clang_format.mjs'
import { optionDocs } from './steps/option_docs.mjs'
import { packageProblems } from './steps/packed.mjs'
import { capture, isMain, main, root, StepError } from './steps/run.mjs'
import { apiSite } from './steps/typedoc.mjs'
import { tsc } from './steps/typescript.mjs'

/** @typedef {{ name: string, problem: string | null, skipped?: string, seconds: number }} Check */

/** @returns {Promise<Check[]>} */
export async function check({ write = false } = {}) {
  const results = []
  for (const one of [types, pageTypes, optionTexts, lint, formatNative, mirror, documentation, packaged]) {
    const began = performance.now()
    const result = await one(write)
    results.push({ ...result, seconds: (performance.now() - began) / 1000 })
  }
  return results
}

async function types() {
  const { status, output } = await capture(process.execPath, [...tsc, '--noEmit', '--incremental', 'false'])
  return { name: 'types', problem: status === 0 ? null : output }
}

/** Of what runs in a browser: there is a document, and nothing of Node. */
async function pageTypes() {
  const { status, output } = await capture(process.execPath, [...tsc, '-p', join('lib', 'report', 'page')])
  return { name: "types of a report's page", problem: status === 0 ? null : output }
}

async function optionTexts(write) {
  const name = 'comments of options are those of their tables'
  const problems = await optionDocs(write)
  if (problems === null) return { name, problem: null, skipped: 'not built' }
  return { name, problem: problems.length === 0 ? null : problems.join('\n') }
}

async function lint(write) {
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
  const action = write ? ['check', '--write'] : ['check']
  const { status, output } = await capture(process.execPath, [biome, ...action, '--error-on-warnings'])
  return { name: 'lint and format of TypeScript', problem: status === 0 ? null : output }
}

async function formatNative(write) {
  const name = 'format of C++'
  const program = await clangFormat()
  if (program === null) return { name, problem: null, skipped: 'clang-format cannot be installed here' }
  const files = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|c|h|cu|cuh)$/.test(file))
    .map((file) => join('native', file))
  const { status, output } = await capture(program, [
    ...(write ? ['-i'] : ['--dry-run', '-Werror']),
    ...files,
  ])
  return { name, problem: status === 0 ? null : output }
}

/** Every function that lib/native.ts declares is exported by the addon, and the other way round. */
async function mirror() {
  const name = 'lib/native.ts mirrors the addon'
  const declared = declaredBindings(readFileSync(join(root, 'lib', 'native.ts'), 'utf8'))
  const binding = join(root, 'dist', 'lib', 'binding.js')
  if (!existsSync(binding)) return { name, problem: null, skipped: 'not built' }
  const { native } = await import(pathToFileURL(binding).href)
  const exported = new Set(Object.keys(native()))
  const problems = [
    ...[...declared]
      .filter((f) => !exported.has(f))
      .map((f) => `lib/native.ts declares ${f}, the addon lacks it`),
    ...[...exported]
      .filter((f) => !declared.has(f))
      .map((f) => `the addon exports ${f}, lib/native.ts lacks it`),
  ]
  return { name, problem: problems.length === 0 ? null : problems.join('\n') }
}

async function documentation() {
  const name = 'documentation of the API'
  try {
    return { name, problem: await apiSite() }
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    return { name, problem: null, skipped: 'typedoc cannot be installed here' }
  }
}

/** Names of the methods of the interfaces called …Bindings. */
function declaredBindings(source) {
  const names = new Set()
  for (const [, body] of source.matchAll(/^export interface \w+Bindings \{\n(.*?)^\}/gms)) {
    for (const [, method] of body.matchAll(/^ {2}(\w+)\(/gm)) names.add(method)
  }
  return names
}

async function packaged() {
  const problems = await packageProblems()
  return {
    name: 'the package, by publint and attw',
    problem: problems.length === 0 ? null : problems.join('\n'),
  }
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await setup()
    for (const { name, problem, skipped } of await check({ write: process.argv.includes('--write') })) {
      if (problem !== null) process.exitCode = 1
      console.log(
        `${problem !== null ? 'FAILED ' : skipped ? 'skipped' : 'ok     '} ${name}${skipped ? ` (${skipped})` : ''}`,
      )
      if (problem !== null) console.log(problem)
    }
  })
}
