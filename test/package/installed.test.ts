/** The packed package, installed elsewhere: what a program finds there, and what it is told where something is missing. */
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { libtorchInUse } from '../../lib/binding.js'
import { minorVersion } from '../../lib/libtorch.js'
import { fakeLibtorch } from '../support/fake_libtorch.js'
import { fixtures, packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { type Installation, install, nothingButNode, run } from './install.js'

const test = suite('the installed package', { timeout: 120_000 })

const { libtorch } = libtorchInUse()
const installation = await install()
const reason = typeof installation === 'string' ? installation : null
const { packed, project } = installation as Installation
const programs = nothingButNode()

/** Runs a program of the project where there is nothing but Node and, unless told, libtorch. */
function runHere(args: readonly string[], env: Record<string, string> = {}) {
  const beit = join(project, 'node_modules', 'beit-torch', 'scripts', 'beit.mjs')
  const found = args.map((arg) => (arg === 'beit' ? beit : arg))
  return run(process.execPath, found, project, { PATH: programs, LIBTORCH: libtorch.folder, ...env })
}

/** Runs `code` as FILE in the project, and gives what it printed as JSON. */
function answer(file: string, code: string, env?: Record<string, string>) {
  writeFileSync(join(project, file), code)
  const { status, stdout, stderr } = runHere([file], env)
  equal([status, stderr], [0, ''])
  return JSON.parse(stdout)
}

const IMPORT = "import * as beit from 'beit-torch'\n"
const REQUIRE = "const beit = require('beit-torch')\n"

/** A forward pass and three steps of pre-training, on whatever lies in photos/. */
const TRAIN = `
async function train(output) {
  const { BeitForMaskedImageModeling, ConvDiscreteVae, ImageFolder, pretrain, Tensor } = beit
  const tokenizer = await ConvDiscreteVae.create(
    { imageSize: 16, layers: 2, vocabSize: 32, codebookDim: 8, hiddenSize: 8, resBlocks: 1, seed: 1 })
  const model = await BeitForMaskedImageModeling.create(
    { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, vocabSize: 32 }, { seed: 1 })
  const pixels = Tensor.from(new Float32Array(3 * 32 * 32).map((_, i) => Math.sin(i)), [1, 3, 32, 32])
  const logits = await model.forward(pixels, { allTokens: true })
  const losses = []
  const data = await ImageFolder.open('photos')
  for await (const event of pretrain({ model, tokenizer, data, batchSize: 2, epochs: 9, maxSteps: 3, warmupEpochs: 0, threads: 1, output })) {
    if (event.type === 'step') losses.push(event.loss)
  }
  return { shape: logits.shape, losses, first: (await logits.toFloat32())[0] }
}
`

test.skipIf(reason, 'holds what it takes to run and to build, and nothing else', () => {
  const folders = new Set(
    packed.files.map((file) =>
      file
        .split('/')
        .slice(0, file.startsWith('dist/') ? 2 : 1)
        .join('/'),
    ),
  )
  equal([...folders].sort(), [
    ...['CHANGELOG.md', 'CMakeLists.txt', 'LICENSE', 'README.md', 'THIRD_PARTY_NOTICES.md', 'binding.gyp'],
    ...['dist/lib', 'docs', 'examples', 'lib', 'native', 'package.json', 'prebuilds', 'scripts'],
  ])
  const links = [
    ...readFileSync(join(packageRoot, 'README.md'), 'utf8').matchAll(/(?:\]\(|`)(docs\/[\w./]+)/g),
  ]
  for (const [, file] of links) ok(packed.files.includes(file as string), `README.md names ${file}`)
  const flavour = `prebuilds/linux-${process.arch}/libtorch-${minorVersion(libtorch.version)}`
  const prebuilt = packed.files.filter(
    (file) => file.startsWith('prebuilds/') && !/beit_cuda\w*\.so$/.test(file),
  )
  equal(prebuilt.sort(), [
    `${flavour}/beit.node`,
    `${flavour}/libtorch.json`,
    `prebuilds/linux-${process.arch}/preload.glibc.node`,
  ])
  // Nothing of the machine that packed it, and no scripts of npm's.
  const manifest = JSON.parse(readFileSync(join(project, 'node_modules/beit-torch/package.json'), 'utf8'))
  equal(
    [manifest.scripts.install ?? manifest.scripts.postinstall, manifest.workspaces],
    [undefined, undefined],
  )
  const note = join(project, 'node_modules/beit-torch', flavour, 'libtorch.json')
  equal(JSON.parse(readFileSync(note, 'utf8')), { version: libtorch.version })
  ok(packed.bytes < 8e6, `${packed.bytes} bytes`)
})

test.skipIf(reason, 'a forward pass and three steps of pre-training, by import and by require', () => {
  mkdirSync(join(project, 'photos'))
  for (const name of ['420.jpeg', '444.jpeg', 'rgb.jpeg', 'progressive.jpeg']) {
    cpSync(join(fixtures, 'image_views', name), join(project, 'photos', name))
  }
  const imported = answer(
    'first.mjs',
    `${IMPORT}${TRAIN}console.log(JSON.stringify(await train('runs/esm')))`,
  )
  const required = answer(
    'second.cjs',
    `${REQUIRE}${TRAIN}train('runs/cjs').then((result) => console.log(JSON.stringify(result)))`,
  )
  equal(imported.shape, [1, 16, 32])
  is(imported.losses.length, 3)
  ok(imported.losses.every((loss: number) => Number.isFinite(loss) && loss > 0))
  equal(required, imported)
})

test.skipIf(reason, 'in a worker, beside the main thread', () => {
  const both = answer(
    'workers.mjs',
    `${IMPORT}import { isMainThread, parentPort, Worker } from 'node:worker_threads'
    const doubled = await beit.Tensor.from([1.5, 2.5]).to({ dtype: 'float64' })
    const values = (await doubled.toFloat32()).join()
    if (!isMainThread) parentPort.postMessage(values)
    else new Worker(new URL(import.meta.url)).on('message', (other) => console.log(JSON.stringify([values, other])))`,
  )
  equal(both, ['1.5,2.5', '1.5,2.5'])
})

test.skipIf(reason, 'two versions in one process: each works, neither takes the objects of the other', () => {
  const other = join(project, 'node_modules', 'other')
  const nested = join(other, 'node_modules', 'beit-torch')
  cpSync(join(project, 'node_modules', 'beit-torch'), nested, { recursive: true })
  const manifest = JSON.parse(readFileSync(join(nested, 'package.json'), 'utf8'))
  writeFileSync(join(nested, 'package.json'), JSON.stringify({ ...manifest, version: '0.0.9' }))
  writeFileSync(join(other, 'index.cjs'), "module.exports = require('beit-torch')")
  const result = answer(
    'versions.mjs',
    `${IMPORT}import other from './node_modules/other/index.cjs'
    const config = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 1, heads: 2, vocabSize: 32 }
    const shapes = await Promise.all([beit, other].map(async ({ BeitForMaskedImageModeling, Tensor }) => {
      const model = await BeitForMaskedImageModeling.create(config, { seed: 1 })
      return (await model.forward(Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32]))).shape.join()
    }))
    const model = await other.BeitForMaskedImageModeling.create(config)
    const pixels = beit.Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32])
    const { code, message } = await model.forward(pixels).catch((error) => error)
    console.log(JSON.stringify({ same: beit.Tensor === other.Tensor, shapes, code, message }))`,
  )
  equal([result.same, result.shapes[0], result.code], [false, result.shapes[1], 'ERR_INVALID_ARGUMENT'])
  match(
    result.message,
    `got a Tensor of another copy of beit-torch, the one in ${join(project, 'node_modules/beit-torch')}`,
  )
})

test.skipIf(reason, 'beit setup has nothing to do where libtorch is and a prebuilt addon fits', () => {
  const { status, stdout, stderr } = runHere(['beit', 'setup'])
  equal([status, stderr], [0, ''])
  match(stdout, /^Ready .*found by LIBTORCH\n$/)
})

test.skipIf(
  reason,
  'beit setup --build without a compiler names all that is missing, and builds nothing',
  () => {
    const { status, stderr } = runHere(['beit', 'setup', '--build'])
    is(status, 1)
    for (const what of ['C++ compiler', 'CMake 3.22', 'ninja or make']) match(stderr, what)
  },
)

test.skipIf(reason, 'beit setup names the Python that it lacks', () => {
  const problem = (python: string) => runHere(['beit', 'setup'], { LIBTORCH: '', BEIT_PYTHON: python }).stderr
  match(problem(''), 'Python 3 with pip: no python3 on the PATH')
  match(problem('/nowhere/python'), 'BEIT_PYTHON is /nowhere/python, which does not run')
})

test.skipIf(
  reason ?? (process.getuid?.() === 0 ? 'root may write everywhere' : null),
  'beit setup says that it cannot write to a package of another user, before it downloads or compiles',
  () => {
    const folder = join(project, 'node_modules/beit-torch')
    chmodSync(folder, 0o555)
    const [libtorch, addon] = [
      runHere(['beit', 'setup'], { LIBTORCH: '' }),
      runHere(['beit', 'setup', '--build']),
    ]
    chmodSync(folder, 0o755)
    match(libtorch.stderr, `libtorch would go into ${folder}, which cannot be written to (EACCES)`)
    match(addon.stderr, `The addon would go into ${folder}, which cannot be written to (EACCES)`)
  },
)

test.skipIf(reason, 'beit setup --cuda does not pass a CPU build for what was asked for', () => {
  const folder = fakeLibtorch(temporary(), libtorch.version)
  const { status, stderr } = runHere(['beit', 'setup', '--cuda'], { LIBTORCH: folder })
  equal([status, stderr.trim().split(':')[0]], [1, '--cuda'])
  match(stderr, `the libtorch in ${folder} (found by LIBTORCH) is a CPU build`)
})

/** Code, and message, of the error that a first use of the package throws. */
function failure(env: Record<string, string>): { code: string; message: string } {
  return answer(
    'fails.mjs',
    `${IMPORT}try { beit.Tensor.from([1]) } catch ({ code, message }) { console.log(JSON.stringify({ code, message })) }`,
    env,
  )
}

test.skipIf(
  reason,
  'without libtorch, import works, and the first use tells the whole search and what to do',
  () => {
    const { code, message } = failure({ LIBTORCH: '' })
    is(code, 'ERR_LIBTORCH')
    match(message, `no libtorch ${minorVersion(libtorch.version)} was found`)
    for (const part of [
      'LIBTORCH: ',
      'python: python3: ',
      'local copy: ',
      "What to do: run 'npx beit setup'",
      'BEIT_PYTHON',
    ]) {
      ok(message.includes(part), `${part} in ${message}`)
    }
    const doctor = runHere(['beit', 'doctor'], { LIBTORCH: '' })
    is(doctor.status, 1)
    match(doctor.stdout, /Wrong: no libtorch can be used\n {2}run 'npx beit setup'/)
  },
)

test.skipIf(reason, 'a libtorch that no addon fits is named with both versions', () => {
  const { code, message } = failure({ LIBTORCH: fakeLibtorch(temporary(), '2.11.7') })
  is(code, 'ERR_LIBTORCH')
  match(
    message,
    `version 2.11.7, but the addon was built with ${libtorch.version} ('npx beit setup --build' builds one`,
  )
  match(failure({ LIBTORCH: fakeLibtorch(temporary(), '2.9.1') }).message, '2.11 to 2.15 are supported')
})

test.skipIf(reason, 'of several flavours the one that fits the libtorch is loaded', () => {
  const folder = join(project, 'node_modules/beit-torch/prebuilds', `linux-${process.arch}`)
  const older = join(folder, 'libtorch-2.11')
  cpSync(join(folder, `libtorch-${minorVersion(libtorch.version)}`), older, { recursive: true })
  writeFileSync(join(older, 'libtorch.json'), '{"version":"2.11.0"}')
  const { status, stdout } = runHere(['beit', 'doctor', '--json'])
  is(status, 0)
  const { addon } = JSON.parse(stdout)
  equal(addon.builtWith, ['2.11.0', libtorch.version])
  equal([addon.kind, addon.folder], ['prebuilt', join(folder, `libtorch-${minorVersion(libtorch.version)}`)])
  match(failure({ LIBTORCH: '' }).message, `no libtorch 2.11, ${minorVersion(libtorch.version)} was found`)
})

test.skipIf(reason, 'on a platform without a prebuilt addon nothing is compiled unasked', () => {
  const folder = join(project, 'node_modules/beit-torch/prebuilds')
  renameSync(folder, `${folder}.away`)
  const { code, message } = failure({})
  renameSync(`${folder}.away`, folder)
  is(code, 'ERR_ADDON_NOT_LOADED')
  match(message, /no addon for \w+-\w+: none was built here, and none came prebuilt.*Run 'npx beit setup'/)
})

test.skipIf(reason, 'types hold in both formats, without skipLibCheck', () => {
  symlinkSync(join(packageRoot, 'node_modules', '@types'), join(project, 'node_modules', '@types'))
  writeFileSync(
    join(project, 'types.cts'),
    `import beit = require('beit-torch')
    import { BeitError, Tensor } from 'beit-torch'
    export const tensor: beit.Tensor = Tensor.from([1])
    export const error: beit.BeitError | null = null as BeitError | null`,
  )
  writeFileSync(
    join(project, 'types.mts'),
    `import { BeitError, type BeitConfig, type Tensor } from 'beit-torch'
    import { error, tensor } from './types.cjs'
    export const same: [Tensor, BeitError | null] = [tensor, error]
    // @ts-expect-error: types are there, rather than any
    export const config: BeitConfig = { depth: 'twelve' }`,
  )
  const compiler = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const module of ['nodenext', 'node16']) {
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node', '--module', module]
    const { status, stdout } = runHere([compiler, ...flags, 'types.cts', 'types.mts'])
    equal([module, status, stdout], [module, 0, ''])
  }
})

test.run()
