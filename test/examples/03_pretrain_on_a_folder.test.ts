/** What `npm start` runs, in its quick form: whole, and once more over its own results. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { makeImages } from '../../examples/support/procedural_images.js'
import { stopOnCtrlC } from '../../examples/support/stop_on_ctrl_c.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { runExample } from '../support/run_example.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { lines, shown } from './tour.js'

const test = suite('pretrain from nothing', { timeout: 240_000 })

test('--quick runs from nothing to pictures and a model; run again, it finds itself finished', async () => {
  const [folder, output] = [temporary(), join('runs', 'quickstart')]
  const run = () => runExample('03_pretrain_on_a_folder', ['--quick', '--output', output], folder)
  const { stdout } = await run()
  assert.match(stdout, /BEiT: +[\d.]+ % of the masked tokens .* are predicted right/)
  assert.match(stdout, /always answering the most frequent token gets [\d.]+ %/)
  const expected = lines(shown('03_pretrain_on_a_folder'))
  assert.equal(lines(stdout).slice(-expected.length), expected)
  const pictures = [
    'beit/samples',
    'beit/curves',
    'tokenizer/curves',
    'tokenizer/reconstructions',
    'tokenizer/codebook',
  ]
  for (const name of pictures) {
    const { width } = await sharp(join(folder, output, `${name}.png`)).metadata()
    assert.ok((width ?? 0) > 500, name)
    // All but the curves of the tokenizer are pointed out.
    assert.is(stdout.includes(`${name}.png`), name !== 'tokenizer/curves', name)
  }
  const model = join(folder, /^model +(.*)$/m.exec(stdout)?.[1] as string)
  const { mtimeMs } = await stat(model)

  const again = await run()
  const numbers = (text: string) => text.match(/[\d.]+ %/g)
  assert.equal(numbers(again.stdout), numbers(stdout), 'the same numbers')
  assert.is((await stat(model)).mtimeMs, mtimeMs, 'nothing was trained again')
})

test('Ctrl-C is taken while a run goes on, not before or after', async () => {
  const before = process.listenerCount('SIGINT')
  const aborted: boolean[] = []
  const run = stopOnCtrlC(async function* (signal) {
    yield process.listenerCount('SIGINT') - before
    process.emit('SIGINT')
    aborted.push(signal.aborted)
  })
  assert.is(process.listenerCount('SIGINT'), before)
  const seen: number[] = []
  for await (const listeners of run) seen.push(listeners)
  assert.equal([seen, aborted, process.listenerCount('SIGINT')], [[1], [true], before])
})

test('the images are the same every time, in six classes, JPEG and PNG', async () => {
  const [one, other] = [join(temporary(), 'a'), join(temporary(), 'b')]
  await makeImages(one, { perClass: 3, seed: 7 })
  await makeImages(other, { perClass: 3, seed: 7 })
  const [first, second] = [await ImageFolder.open(one), await ImageFolder.open(other)]
  assert.equal(first.classes, ['checkers', 'disks', 'gradients', 'hills', 'rings', 'stripes'])
  assert.is(first.length, 18)
  const formats = new Set<string>()
  for (let i = 0; i < first.length; i++) {
    const pixels = (path: string) => sharp(path).raw().toBuffer()
    assert.equal(await pixels(first.sample(i).path), await pixels(second.sample(i).path))
    const { format, width = 0 } = await sharp(first.sample(i).path).metadata()
    formats.add(format as string)
    assert.ok(width >= 64 && width <= 96)
  }
  assert.equal([...formats].sort(), ['jpeg', 'png'])
})

test.run()
