/** Every example of the documentation compiles, and runs on small images and models in a folder of files it names. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { equal, ok } from 'uvu/assert'
import * as library from '../../lib/index.js'
import { asModule, type DocExample, docExamples } from '../support/doc_examples.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { KEPT_RUNS, makeStage, type Stage } from './stage.js'

const test = suite('examples of the documentation', { timeout: 240_000 })

/** Compiled, and not run. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'lib/recipes/read_recipe.ts': 'a published recipe is 30 epochs at 224 pixels',
  'lib/report/watch.ts': 'it serves until it is stopped',
}

const RUN = /\b(pretrain|finetune|trainTokenizer)\(\{ /g

/** What an example says of a large run becomes a small one. */
const SMALLER: readonly [RegExp, string][] = [
  [/'beit_base_patch16_224'/g, '{ imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 3 }'],
  [/\bepochs: \d+/g, 'epochs: 1'],
  [RUN, '$1({ warmupEpochs: 0, loaderThreads: 1, '],
  [
    /imageSize: 112, vocabSize: 1024(, codebookDim: 128)?(, hiddenSize: 64)?/g,
    'imageSize: 32, vocabSize: 16, hiddenSize: 8',
  ],
  [/imageSize: \[384, 384\]|imageSize: 384/g, 'imageSize: [64, 64]'],
]

// Small operations: a team of threads would take longer to meet than to compute, above all on a busy machine.
await library.threads(1)

/** Inside the package, whose own name they import. */
const folder = join(packageRoot, 'build', 'doc_examples')
const examples = docExamples()
const fileOf = (i: number) => join(folder, `example_${String(i).padStart(3, '0')}`)

test('there are many, and they all compile', async () => {
  ok(examples.length > 80, `${examples.length}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const index = readFileSync(join(packageRoot, 'lib', 'index.ts'), 'utf8')
  const types = [...index.matchAll(/\btype (\w+)|export type \{([^}]*)\}/g)].flatMap(([, one, many]) =>
    one === undefined ? (many as string).split(',').map((name) => name.trim()) : [one],
  )
  const names = { values: Object.keys(library), types }
  const stage = { module: '../../dist/test/examples/stage.js', names: STAGE }
  examples.forEach((example, i) => {
    writeFileSync(`${fileOf(i)}.ts`, asModule({ ...example, code: smaller(example) }, names, stage))
  })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(compilerConfig()))
  const tsc = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
    (failed) => failed,
  )
  const problems = stdout.replace(/\S*example_(\d+)\.ts\((\d+)/g, (_: string, i: string, line: string) => {
    return `${examples[Number(i)]?.place}, line ${line} of what is compiled (${fileOf(Number(i))}.ts`
  })
  equal(problems, '')
})

test('those that can run do', async () => {
  const stage = await makeStage(temporary())
  equal(Object.keys(stage).sort(), [...STAGE].sort())
  const failed: string[] = []
  for (const [i, example] of examples.entries()) {
    if (!example.isRun || (example.place.split(':')[0] as string) in NOT_RUN) continue
    const problem = await ran(i, example, stage)
    if (problem !== null) failed.push(`${example.place}: ${problem}`)
  }
  equal(failed, [])
  for (const place of Object.keys(NOT_RUN)) {
    ok(
      examples.some((example) => example.place.startsWith(place)),
      `${place} has no example any more`,
    )
  }
})

const STAGE: readonly (keyof Stage)[] = [
  ...(['model', 'tokenizer', 'classifier', 'pixels', 'mask', 'data', 'training', 'validation'] as const),
  ...(['tokenPixels', 'trainer', 'batch', 'options'] as const),
]

const smaller = ({ code }: DocExample) => {
  const sized = SMALLER.reduce((text, [from, to]) => text.replace(from, to), code)
  // Hundreds of epochs are the default.
  const unsaid = ['batchSize: 4', 'epochs: 1'].filter((part) => !code.includes(part.split(':')[0] as string))
  return unsaid.reduce((text, part) => text.replace(RUN, `$1({ ${part}, `), sized)
}

/** That of the project, for the files of one folder. */
function compilerConfig(): object {
  const { compilerOptions } = JSON.parse(readFileSync(join(packageRoot, 'tsconfig.json'), 'utf8'))
  const { incremental: _, tsBuildInfoFile: __, ...shared } = compilerOptions
  const own = { rootDir: '.', outDir: '.', declaration: false, sourceMap: false }
  return {
    compilerOptions: { ...shared, ...own, noUnusedLocals: false, noUnusedParameters: false },
    include: ['*.ts'],
    // outDir is left out unless told.
    exclude: [],
  }
}

/** Runs an example, silently; the message of what it throws. */
async function ran(i: number, example: DocExample, stage: Stage): Promise<string | null> {
  // An example that makes a run finds none there; others find that of the stage, whatever was made of it.
  const makesRun = /\b(pretrain|finetune|trainTokenizer)\(/.test(example.code)
  rmSync('runs', { recursive: true, force: true })
  if (!makesRun) cpSync(KEPT_RUNS, 'runs', { recursive: true })
  const { log, warn, error } = console
  console.log = console.warn = console.error = () => {}
  try {
    const { default: run } = await import(pathToFileURL(`${fileOf(i)}.js`).href)
    await library.scope(() => run(stage))
    return null
  } catch (thrown) {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  } finally {
    Object.assign(console, { log, warn, error })
  }
}

test.run()
