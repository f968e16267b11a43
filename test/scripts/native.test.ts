/** When scripts/steps/native.mjs builds the addon anew. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { is } from 'uvu/assert'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('build of the addon')
const { isBuilt } = await import(join(packageRoot, 'scripts', 'steps', 'native.mjs'))

test('each output folder has its own note of what was built there', () => {
  const libtorch = { folder: '/opt/torch', version: '2.13.0' }
  const output = temporary()
  mkdirSync(join(output, 'preload'))
  for (const name of ['beit.node', join('preload', 'preload.node')]) writeFileSync(join(output, name), '')
  is(isBuilt(libtorch, output), false, 'there is no note beside the products')
  writeFileSync(join(output, 'libtorch.json'), `${JSON.stringify(libtorch)}\n`)
  is(isBuilt(libtorch, output), true)
  is(isBuilt({ folder: '/opt/torch', version: '2.13.1' }, output), false, 'another libtorch')
  is(isBuilt(libtorch, temporary()), false, 'no products')
})

test.run()
