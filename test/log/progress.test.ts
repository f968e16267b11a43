import { Writable } from 'node:stream'
import * as assert from 'uvu/assert'
import { bytes, decimal, duration, percent } from '../../lib/log/format.js'
import { isLiveTerminal, liveLine, type ProgressOptions, showProgress } from '../../lib/log/progress.js'
import type { PretrainEvent, TokenizerEvent } from '../../lib/train/events.js'
import { suite } from '../support/suite.js'
import { evaluation, start, step, stream } from './events.js'

const test = suite('progress')

/** Everything written while the clock moves half a second a step. */
async function shown(events: readonly PretrainEvent[], options: ProgressOptions): Promise<string> {
  let text = ''
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  let time = 0
  const now = () => time
  const seen: PretrainEvent[] = []
  const ticking = async function* () {
    for await (const event of stream(events)) {
      if (event.type === 'step') time += 500
      yield event
    }
  }
  for await (const event of showProgress(ticking(), {
    now,
    stream: Object.assign(sink, { columns: 120 }),
    ...options,
  }))
    seen.push(event)
  assert.equal(seen, events, 'every event is handed on')
  return text
}

const tenSteps = Array.from({ length: 10 }, (_, i) => step(i + 1))

test('one rewritten line tells step, time left, loss, accuracy, speed and waiting', async () => {
  const text = await shown([start('runs/x'), ...tenSteps], { rewrite: true })
  const last = text.split('\r\x1b[2K').at(-2)
  // 10 of 40 steps in 5 s leave 15 s; means over the ten steps: loss 4.45, accuracy 5.5 %; 8 images in 0.5 s.
  assert.is(
    last,
    '█████░░░░░░░░░░░░░░░ 25 %  10/40  ETA 0:15  loss 4.450  acc 5.5 %  16.00 img/s  wait 25 %  epoch 1/4',
  )
})

test('all numbers fit 80 columns, and nothing ever fills the last column', () => {
  const parts = ['412/3000', 'ETA 4:12', 'loss 3.214', 'acc 21.3 %', '186 img/s', 'wait 2 %', 'epoch 3/30']
  assert.match(
    liveLine(parts, 0.137, 80),
    /13 %.*412\/3000.*ETA 4:12.*loss 3.214.*acc 21.3 %.*186 img\/s.*wait 2 %$/,
  )
  for (const columns of [0, 1, 10, 40, 60, 80, 200]) {
    assert.ok(liveLine(parts, 0.5, columns).length <= Math.max(0, columns - 1))
  }
})

test('a tokenizer shows how its codes are used', async () => {
  const tokenizerStep = { ...step(1), reconstruction: 0.5, kl: 0, temperature: 1, klWeight: 0 }
  const { accuracy: _none, masked: _neither, ...fields } = tokenizerStep
  const events: TokenizerEvent[] = [
    start('runs/x'),
    { type: 'codebook', step: 1, interval: 1, usage: 0.5, perplexity: 12.34, dead: 16 },
    fields,
  ]
  assert.match(await shown(events as PretrainEvent[], { rewrite: true }), 'codes 50 %  perplexity 12.34')
})

test('where there is no terminal, plain lines at intervals and no control codes', async () => {
  const text = await shown([start('runs/x'), ...tenSteps, evaluation(10)], { rewrite: false, interval: 2 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
  assert.not.match(text, /[\r\x1b]/)
  const lines = text.trimEnd().split('\n')
  assert.is(lines[0], 'runs/x: 80 images, 40 steps of 8 (10 an epoch), 1,234,567 parameters')
  // At 0.5 s a step: step 1, then every fourth.
  assert.equal(
    lines.slice(1, -1).map((line) => line.split('  ')[0]),
    ['step 1/40', 'step 5/40', 'step 9/40'],
  )
  assert.is(
    lines.at(-1),
    'validation  loss 4.500  accuracy 20.0 %  most frequent token alone 5.0 %  perplexity 32.00',
  )
})

test('validation images that were left out are told', async () => {
  const told = (broken: number) =>
    shown([start('runs/x'), { ...evaluation(10), broken } as PretrainEvent], { rewrite: false })
  assert.match(await told(3), '32.00  3 broken images left out\n')
  assert.match(await told(1), '32.00  1 broken image left out\n')
})

test('skipped steps are counted and do not spoil the means', async () => {
  const events = [start('runs/x'), step(1, { loss: 4 }), step(2, { loss: Number.NaN, skipped: 1 })]
  assert.match(await shown(events, { rewrite: true }), /loss 4\.000 .* 1 skipped/)
})

test('a resumed run estimates from its own steps', async () => {
  const events = [
    start('runs/x', { resumedFrom: 'checkpoints/step-00000030', resumedStep: 30 }),
    step(31),
    step(32),
  ]
  const text = await shown(events, { rewrite: true })
  assert.match(text, 'going on after step 30')
  assert.match(text, '80 %  32/40  ETA 0:04')
})

test('a build machine gets plain lines', () => {
  const before = process.env.CI
  try {
    process.env.CI = 'true'
    assert.is(isLiveTerminal({ isTTY: true }), false)
    delete process.env.CI
    assert.is(isLiveTerminal({ isTTY: true }), process.env.TERM !== 'dumb')
    assert.is(isLiveTerminal({}), false)
  } finally {
    if (before === undefined) delete process.env.CI
    else process.env.CI = before
  }
})

test('numbers read as people write them', () => {
  assert.equal([0, 9, 75, 3723, 200_000].map(duration), ['0:00', '0:09', '1:15', '1:02:03', '2 d 7 h'])
  assert.equal([0, 3.4567, 123.4, 0.0123, 0.00012, 12.345].map(decimal), [
    '0.0000',
    '3.457',
    '123',
    '0.0123',
    '1.20e-4',
    '12.35',
  ])
  assert.equal([0, 0.004, 0.1234, 1].map(percent), ['0.0 %', '0.40 %', '12.3 %', '100.0 %'])
  assert.equal([12, 2048, 12_345_678].map(bytes), ['12 B', '2.0 KiB', '11.8 MiB'])
})

test.run()
