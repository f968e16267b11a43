/** examples/04_finetune.ts in its quick form: whole, and once more over its own results. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok } from 'uvu/assert'
import { runExample } from '../support/run_example.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('fine-tuning example', { timeout: 240_000 })

test('--quick runs from images to predictions; run again, it finds itself finished', async () => {
  const output = join(temporary(), 'finetune')
  // Another pre-training, if one lies there, would be no part of the test.
  const flags = ['--quick', '--output', output, '--pretrained', join(output, 'none')]
  const run = () => runExample('04_finetune', flags)
  const { stdout } = await run()
  match(stdout, /^random weights/)
  match(stdout, /before +[\d.]+ % by the votes of 5 neighbours/)
  match(stdout, /fine-tuned [\d.]+ % of 24 images never seen/)
  is(stdout.match(/^(checkers|hills|stripes)\/\d+\.\w+( {2}\w+ [\d.]+ %){2}$/gm)?.length, 3, 'predictions')
  for (const name of ['curves', 'confusion']) {
    const { width } = await sharp(join(output, 'run', `${name}.png`)).metadata()
    ok((width ?? 0) > 500, name)
  }
  const model = /^model +(.*)$/m.exec(stdout)?.[1] as string
  const { mtimeMs } = await stat(model)

  const again = await run()
  const numbers = (text: string) => text.slice(text.indexOf('\nfine-tuned ')).match(/[\d.]+ %/g)
  equal(numbers(again.stdout), numbers(stdout), 'the same numbers')
  is((await stat(model)).mtimeMs, mtimeMs, 'nothing was trained again')
})

test.run()
