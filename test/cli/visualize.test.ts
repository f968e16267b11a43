import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { masks } from '../../lib/visualize/masks.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit visualize')

test('masks: what visualize.masks() draws; a file that is there stays without --force', async () => {
  const output = join(temporary(), 'new', 'masks.png')
  const flags = ['visualize', 'masks', '--output', output, '--grid', '6,8', '--seed', '4', '--count', '3']
  const ran = await runBeit([...flags, '--mask-mode', 'random'])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /masks\.png/)
  const expected = await masks({ grid: [6, 8], seed: 4, count: 3, maskMode: 'random' })
  assert.ok((await readFile(output)).equals(expected.png))

  await writeFile(output, 'mine')
  const refused = await runBeit(flags)
  assert.is(refused.code, 1)
  assert.match(refused.stderr, /masks\.png is there already; --force replaces it \(ERR_OUTPUT_EXISTS\)/)
  assert.is(await readFile(output, 'utf8'), 'mine')
  assert.is((await runBeit([...flags, '--force'])).code, 0)
  assert.is((await readFile(output)).subarray(1, 4).toString(), 'PNG')
})

test('wrong use is told in the words of the command line', async () => {
  const wrong = async (args: readonly string[], message: RegExp) => {
    const { code, stderr } = await runBeit(['visualize', ...args])
    assert.is(code, 2, stderr)
    assert.match(stderr, message)
  }
  const output = join(temporary(), 'x')
  await wrong(['masks', '--output', `${output}.jpg`], /--output must be a \.png file/)
  await wrong(
    ['masks', '--output', `${output}.png`, '--count', '0'],
    /--count must be an integer from 1 to 256/,
  )
  await wrong(['maks'], /there are visualize /)
})

test.run()
