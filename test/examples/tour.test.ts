/** The examples that train nothing for long, as people run them: each prints what docs/tour.md shows. */
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok } from 'uvu/assert'
import { devices } from '../../lib/index.js'
import { runExample } from '../support/run_example.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { lines, shown } from './tour.js'

const test = suite('tour', { timeout: 240_000 })

/** What an example prints in a new folder. */
async function printed(name: string, ...flags: string[]): Promise<{ folder: string; output: string }> {
  const folder = temporary()
  const { stdout } = await runExample(name, flags, folder)
  return { folder, output: stdout }
}

test('01 shows a model, logits and features', async () => {
  const { output } = await printed('01_first_forward')
  equal(lines(output), lines(shown('01_first_forward')))
  match(output, /logits +Tensor\(float32\[\d+, 8192\], cpu\)/)
  match(output, /features +Tensor\(float32\[2, 37, 192\], cpu\)/)
})

test('02 shows the tokens of an image, and draws what they keep', async () => {
  const { folder, output } = await printed('02_tokenise_a_photo')
  equal(lines(output), lines(shown('02_tokenise_a_photo')))
  is(output.match(/^ +\d+( +\d+){7}$/gm)?.length, 8)
  const { width } = await sharp(join(folder, 'runs', 'tokens', 'reconstructions.png')).metadata()
  ok((width ?? 0) > 300)
})

test('05 describes a checkpoint, loads it twice and writes it with other names', async () => {
  const { output } = await printed('05_load_a_pytorch_checkpoint')
  equal(lines(output), lines(shown('05_load_a_pytorch_checkpoint')))
  match(output, "format: 'pytorch'")
  match(output, /resized: .*relative position tables? from 14x14 to 22x22/)
})

test('06 learns to predict colours', async () => {
  const { output } = await printed('06_own_objective', '--epochs', '2')
  equal(lines(output), lines(shown('06_own_objective')))
  const losses = [...output.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss))
  is(losses.length, 2)
  ok((losses[1] as number) < (losses[0] as number), losses.join())
})

test('07 goes on to the same bits', async () => {
  const { output } = await printed('07_resume')
  equal(lines(output), lines(shown('07_resume')))
  match(output, /stopped: goes on from step 8\n/)
  match(output, /the same bits\n$/)
})

test('08 trains where it can, and says where that is', async () => {
  const { output } = await printed('08_gpu')
  const gpus = (await devices()).slice(1)
  match(output, /^cpu .*GiB$/m)
  if (gpus.length === 0) match(output, /^no GPU can be used: .+; this runs on the CPU$/m)
  const [first, last] = [...output.matchAll(/(?:loss|steps) ([\d.]+)/g)].map(([, loss]) => Number(loss))
  ok((last as number) < (first as number), output)
  if (gpus.length === 0) is(lines(output).length, lines(shown('08_gpu')).length)
})

test.run()
