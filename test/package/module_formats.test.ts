/** `require('beit-torch')` and `import 'beit-torch'` in one process, by the name that package.json exports. */
import { spawnSync } from 'node:child_process'
import { equal, is, match } from 'uvu/assert'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'

const test = suite('module formats')

/** Runs CommonJS in the folder of the package, where its own name leads to it. */
function runCommonJs(code: string, ...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=commonjs', '--eval', code],
    { cwd: packageRoot, encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

test('what one makes is the other’s: exports, classes, errors, scopes', () => {
  const { stdout, stderr } = runCommonJs(`
    const required = require('beit-torch')
    import('beit-torch').then(async (imported) => {
      const names = Object.keys(imported)
      const made = required.Tensor.from([1.5, 2.5])
      const error = await imported.readCheckpoint('/no/such/file').catch((thrown) => thrown)
      let kept
      required.scope(() => { kept = imported.Tensor.from([1]) })
      const disposed = await kept.toTypedArray().catch((thrown) => thrown)
      console.log(JSON.stringify({
        several: names.length > 50,
        same: names.filter((name) => required[name] !== imported[name]),
        missing: names.filter((name) => !(name in required)),
        instance: made instanceof imported.Tensor,
        error: error instanceof required.BeitError && error.code,
        disposed: disposed instanceof required.BeitError && disposed.code,
        memory: required.memory().handles === imported.memory().handles,
      }))
    })`)
  is(stderr, '')
  equal(JSON.parse(stdout), {
    several: true,
    same: [],
    missing: [],
    instance: true,
    error: 'ERR_IO',
    disposed: 'ERR_DISPOSED',
    memory: true,
  })
})

test('both in a worker of a program of either kind', () => {
  const worker = `
    const { parentPort } = require('node:worker_threads')
    const { Tensor } = require('beit-torch')
    import('beit-torch').then(async (imported) => {
      const doubled = await Tensor.from([1.5, 2.5]).to({ dtype: 'float64' })
      parentPort.postMessage([doubled instanceof imported.Tensor, (await doubled.toFloat32()).join()])
    })`
  const { stdout, stderr } = runCommonJs(`
    const { Worker } = require('node:worker_threads')
    new Worker(${JSON.stringify(worker)}, { eval: true }).on('message', (text) => console.log(JSON.stringify(text)))`)
  is(stderr, '')
  equal(JSON.parse(stdout), [true, '1.5,2.5'])
})

test('a Node.js that cannot require ES modules is told what to write', () => {
  const { status, stderr } = runCommonJs("require('beit-torch')", '--no-experimental-require-module')
  is(status, 1)
  match(stderr, /takes Node\.js 20\.19 or newer.*this is v\d+.*await import\('beit-torch'\)/)
})

test.run()
