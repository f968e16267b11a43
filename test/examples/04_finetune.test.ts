/** examples/04_finetune.ts in its quick form: whole, and once more over its own results. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok } from 'uvu/assert'
import { runExample } from '../support/run_example.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { lines, shown } from './tour.js'

const test = suite('fine-tuning example', { timeout: 240_000 })

/** Its lines, whatever is predicted: numbers, the rows of the confusion matrix, the classes of single images. */
const form = (output: string) =>
  lines(output.replaceAll('.jpg', '.png'))
    .map((line) =>
      /^[a-z]+ [#. ]+ %$/.test(line) ? 'a row' : line.replace(/(?<= )[a-z]+ (?=# %( |$))/g, ''),
    )
    .filter((line, i, all) => all.indexOf(line) === i)

test('--quick runs from images to predictions; run again, it finds itself finished', async () => {
  const [folder, output] = [temporary(), join('runs', 'finetune')]
  const run = () => runExample('04_finetune', ['--quick', '--output', output], folder)
  const { stdout } = await run()
  match(stdout, /^random weights/)
  const expected = form(shown('04_finetune'))
  equal(form(stdout).slice(-expected.length), expected)
  match(stdout, /before +[\d.]+ % by the votes of 5 neighbours/)
  match(stdout, /fine-tuned [\d.]+ % of 24 images never seen/)
  is(stdout.match(/^(checkers|hills|stripes)\/\d+\.\w+( {2}\w+ [\d.]+ %){2}$/gm)?.length, 3, 'predictions')
  for (const name of ['curves', 'confusion']) {
    const { width } = await sharp(join(folder, output, 'run', `${name}.png`)).metadata()
    ok((width ?? 0) > 500, name)
  }
  const model = join(folder, /^model +(.*)$/m.exec(stdout)?.[1] as string)
  const { mtimeMs } = await stat(model)

  const again = await run()
  const numbers = (text: string) => text.slice(text.indexOf('\nfine-tuned ')).match(/[\d.]+ %/g)
  equal(numbers(again.stdout), numbers(stdout), 'the same numbers')
  is((await stat(model)).mtimeMs, mtimeMs, 'nothing was trained again')
})

test.run()
