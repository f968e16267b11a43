// TypeScript: lib/, test/, examples/ and bench/ into dist/, and the script of a report's page into one file.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { must, root } from './run.mjs'
import { isStale, markBuilt } from './stale.mjs'

const product = {
  stamp: 'dist/.stamp',
  sources: ['lib', 'test', 'examples', 'bench', 'tsconfig.json', 'package-lock.json'],
}

export const tsc = [join(root, 'node_modules', 'typescript', 'bin', 'tsc')]

/** Compiles when a source is newer. An installed package brings dist/ along and has no tsconfig.json. */
export async function compileTypeScript() {
  if (!existsSync(join(root, 'tsconfig.json')) || !isStale(product)) return
  console.log('Compiling TypeScript')
  const began = Date.now()
  removeOrphans()
  await must('The TypeScript compiler', process.execPath, tsc)
  await bundlePage()
  markBuilt(product, began)
}

/** A module of lib/, compiled: what scripts and the package both do is written once, in TypeScript. */
export const compiled = (name) => import(pathToFileURL(join(root, 'dist', 'lib', name)).href)

/** lib/report/page as one script that stands in every report. Its types are checked by check.mjs. */
async function bundlePage() {
  const { build } = await import('esbuild')
  await build({
    absWorkingDir: root,
    entryPoints: ['lib/report/page/main.ts'],
    outfile: 'dist/lib/report/page/bundle.js',
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
  })
}

/** Deletes the output of sources that are gone: a stale module would still be imported. */
function removeOrphans() {
  const dist = join(root, 'dist')
  if (!existsSync(dist)) return
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js') || existsSync(join(root, name.replace(/\.js$/, '.ts')))) continue
    const base = join(dist, name.slice(0, -'.js'.length))
    for (const ending of ['.js', '.js.map', '.d.ts']) rmSync(base + ending, { force: true })
  }
}
