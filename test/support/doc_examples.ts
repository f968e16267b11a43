/** The examples of the documentation as programs: of the comments in lib/, of README.md and of docs/. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './paths.js'

export interface DocExample {
  /** "lib/tensor.ts:70": where its first line stands. */
  place: string
  code: string
  /** In a document: ```ts run``` says so. In a comment: it is run. */
  isRun: boolean
}

export function docExamples(): DocExample[] {
  const below = (folder: string) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .sort()
  const sources = below('lib').filter((path) => path.endsWith('.ts'))
  const documents = ['README.md', ...below('docs').filter((path) => /^docs\/[^/]+\.md$/.test(path))]
  return [...sources.flatMap(inComments), ...documents.flatMap(inDocument)]
}

const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')
const lineAt = (text: string, index: number) => text.slice(0, index).split('\n').length

/** What follows an `@example`, up to the next tag or the end of the comment. */
function inComments(path: string): DocExample[] {
  const text = read(path)
  return [...text.matchAll(/^ *\* @example\n((?: *\*(?!\/| @).*\n)+)/gm)].map((found) => ({
    place: `${path}:${lineAt(text, found.index) + 1}`,
    code: (found[1] as string).replace(/^ *\* ?/gm, ''),
    isRun: true,
  }))
}

function inDocument(path: string): DocExample[] {
  const text = read(path)
  return [...text.matchAll(/^```ts( run)?\n(.*?)^```$/gms)].map((found) => ({
    place: `${path}:${lineAt(text, found.index) + 1}`,
    code: found[2] as string,
    isRun: found[1] !== undefined,
  }))
}

/** Names of a module's exports; `types` are those that are no value. */
export interface PublicNames {
  values: readonly string[]
  types: readonly string[]
}

/**
 * A module whose default export is the example as a function. It imports what the example names and does not import
 * itself, and takes from the stage what it does not declare.
 *
 * @param stage module that exports the type `Stage`, and the names in it
 */
export function asModule(
  { code, place }: DocExample,
  names: PublicNames,
  stage: { module: string; names: readonly string[] },
): string {
  const own = [...code.matchAll(/^import .*?from '.*?'\n/gms)].map(([text]) => text)
  const body = own.reduce((rest, text) => rest.replace(text, ''), code)
  const words = new Set(withoutTexts(code).match(/(?<!\w|(?<!\.\.)\.)[A-Za-z_]\w*/g))
  const imported = own.join('')
  const isNew = (name: string) => words.has(name) && !new RegExp(`\\b${name}\\b`).test(imported)
  const fromPackage = [
    ...names.values.filter((name) => isNew(name) && !declares(body, name)),
    ...names.types.filter(isNew).map((name) => `type ${name}`),
  ]
  const fromStage = stage.names.filter((name) => words.has(name) && !declares(body, name))
  return [
    `// ${place}`,
    ...own.map((text) => text.trimEnd()),
    ...(fromPackage.length > 0 ? [`import { ${fromPackage.join(', ')} } from 'beit-torch'`] : []),
    `import type { Stage } from '${stage.module}'`,
    `export default async function example({ ${fromStage.join(', ')} }: Stage) {`,
    body,
    '}',
    '',
  ].join('\n')
}

/** Comments and quoted texts name nothing; what stands in `${}` does. */
const withoutTexts = (code: string) => code.replace(/\/\/.*|'[^'\n]*'/g, '')

/** `const name`, `const { name }`, `const [first, name]`. */
function declares(code: string, name: string): boolean {
  const single = new RegExp(`\\b(?:const|let|using|function|class) ${name}\\b`)
  const pattern = new RegExp(`\\b(?:const|let) [{[][^=]*?(?<!: )\\b${name}\\b(?!:)[^=]*?[}\\]] =`)
  return single.test(code) || pattern.test(code)
}
