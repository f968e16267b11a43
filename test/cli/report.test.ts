import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match } from 'uvu/assert'
import { dataIn, pretraining, runFolder } from '../report/runs.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit report')

test('one run into its folder, several where they are told to', async () => {
  const folder = temporary()
  const runs = ['first', 'second'].map((name) => runFolder(join(folder, name), pretraining(name, 20)))
  const one = await runBeit(['report', runs[0] as string])
  equal([one.code, one.stdout.trim(), one.stderr], [0, join(folder, 'first', 'report.html'), ''])
  is(dataIn(await readFile(one.stdout.trim(), 'utf8')).runs.length, 1)

  const output = join(folder, 'comparison.html')
  const both = await runBeit(['report', ...runs, '--output', output])
  equal([both.code, both.stdout.trim()], [0, output])
  is(dataIn(await readFile(output, 'utf8')).runs.length, 2)
})

test('what it refuses: nothing, several runs without an output, a file that is there, another kind of file', async () => {
  const folder = temporary()
  const run = runFolder(join(folder, 'first'), pretraining('first', 20))
  const output = join(folder, 'taken.html')
  await writeFile(output, 'mine')
  const refused: [args: string[], code: number, message: RegExp][] = [
    [[], 2, /RUN is missing/],
    [[run, run], 2, /--output is missing/],
    [[run, '--output', output], 1, /taken\.html is there already; --force replaces it/],
    [[run, '--output', join(folder, 'report.pdf')], 2, /--output must be a \.html file/],
    [[join(folder, 'nothing')], 1, /cannot read the run/],
  ]
  for (const [args, code, message] of refused) {
    const ran = await runBeit(['report', ...args])
    is(ran.code, code, ran.stderr)
    match(ran.stderr, message)
  }
  is(await readFile(output, 'utf8'), 'mine')
  is((await runBeit(['report', run, '--output', output, '--force'])).code, 0)
  match(await readFile(output, 'utf8'), /^<!doctype html>/)
})

test.run()
