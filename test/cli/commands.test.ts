/** The commands as people run them: child processes, their output and exit codes. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { makeImages } from '../../examples/support/procedural_images.js'
import { commands, run } from '../../lib/cli/run.js'
import { readMetrics } from '../../lib/log/metrics_file.js'
import { curve, eventFiles } from '../support/event_file.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit', { timeout: 240_000 })

test('help and exit codes: 0 for help, 2 for wrong use, 1 for errors', async () => {
  const help = await runBeit(['--help'])
  assert.is(help.code, 0)
  assert.match(help.stdout, /pretrain .*\n.*finetune .*\n.*tokenizer train/)
  for (const words of [
    ['visualize', '--help'],
    ['visualize', '-h'],
    ['help', 'visualize'],
  ]) {
    const { code, stdout, stderr } = await runBeit(words)
    assert.equal([code, stderr], [0, ''])
    assert.match(stdout, /^Usage: beit visualize COMMAND \[flags\]\n\n {2}visualize reconstruct/)
    assert.ok(!stdout.includes('pretrain '))
  }
  const described = await runBeit(['help', 'tokenizer', 'train'])
  assert.equal([described.code, described.stderr], [0, ''])
  assert.match(described.stdout, /^Usage: beit tokenizer train /)
  assert.equal([(await runBeit([])).code, (await runBeit(['tokenizer'])).code], [2, 2])

  const unknown = await runBeit(['pretrian'])
  assert.is(unknown.code, 2)
  assert.match(unknown.stderr, "there is no command 'beit pretrian'; did you mean 'beit pretrain'?")
  assert.is((await runBeit(['help', 'pretrian'])).code, 2)

  const absent = await runBeit(['info', '/no/such/file'])
  assert.equal([absent.code, absent.stdout], [1, ''])
  assert.match(absent.stderr, /^beit: cannot read \/no\/such\/file: .* \(ERR_IO\)\n$/)
  assert.match((await runBeit(['info'])).stderr, /^beit info: PATH is missing/)
  assert.match((await runBeit(['info', '/no/such/file', '--verbose'])).stderr, /\n {4}at /)
})

test('--help of every command prints its help, whatever stands beside it', async () => {
  for (const { name } of commands) {
    const { code, output } = await ranHere([...name.split(' '), '--no-such-flag', '--help'])
    assert.is(code, 0, name)
    assert.ok(output.startsWith(`Usage: beit ${name} `), output)
  }
})

test('info tells what a safetensors file holds', async () => {
  const file = join(temporary(), 'weights.safetensors')
  await writeFile(
    file,
    safetensors({ __metadata__: { kind: 'conv_discrete_vae', config: '{"layers":3}', note: 'x' } }),
  )
  const { code, stdout } = await runBeit(['info', file])
  assert.is(code, 0)
  assert.match(stdout, /model +ConvDiscreteVae/)
  assert.match(stdout, /tensors +2, 7 numbers, float32, int64/)
  assert.match(stdout, /layers +3/)
  assert.match(stdout, /note +x/)
  assert.match(stdout, /float32 +\[2, 3\] +24 B +a\.weight\n/)
  assert.match(stdout, /int64 +\[\] +8 B +b\n/)
})

test('info shows a config of a foreign file that is no JSON of an object as it is', async () => {
  for (const config of ['vit-b/16', 'null', '{"torn":']) {
    const file = join(temporary(), 'weights.safetensors')
    await writeFile(file, safetensors({ __metadata__: { config } }))
    const { code, stdout, stderr } = await runBeit(['info', file])
    assert.equal([code, stderr], [0, ''])
    assert.ok(stdout.includes(`config  ${config}\n`), stdout)
  }
})

test('info refuses what is neither file of weights, run nor checkpoint', async () => {
  const folder = temporary()
  const neither = await runBeit(['info', folder])
  assert.is(neither.code, 1)
  assert.match(neither.stderr, 'it is empty')
  await writeFile(join(folder, 'text'), 'hello')
  assert.match((await runBeit(['info', join(folder, 'text')])).stderr, 'ERR_FORMAT')
})

test('doctor reports as text and as JSON, and exits with 1 when nothing can work', async () => {
  const text = await runBeit(['doctor'])
  assert.is(text.code, 0, text.stdout)
  assert.match(text.stdout, /Node\.js +v\d+/)
  assert.is(JSON.parse((await runBeit(['doctor', '--json'])).stdout).node.version, process.version)
  const without = await runBeit(['doctor'], () => {}, { LIBTORCH: '/no/such/libtorch' })
  assert.is(without.code, 1)
  assert.match(without.stdout, '/no/such/libtorch')
})

test('tokenizer train, encode, reconstruct, pretrain: stopped by Ctrl-C, resumed, described', async () => {
  const root = temporary()
  const [data, validation] = [join(root, 'train'), join(root, 'validation')]
  await makeImages(data, { perClass: 8, seed: 0 })
  await makeImages(validation, { perClass: 2, seed: 1 })
  await writeFile(join(data, 'stripes', 'broken.jpg'), 'not an image')
  const tokenizer = join(root, 'tok')

  const trained = await runBeit(
    `tokenizer train --image-size 32 --layers 3 --vocab-size 16 --codebook-dim 8 --hidden-size 8 --epochs 2
     --batch-size 8 --threads 1 --max-broken-share 0.1`
      .split(/\s+/)
      .concat('--data', data, '--validation', validation, '--output', tokenizer),
  )
  assert.is(trained.code, 0, trained.stderr)
  assert.match(trained.stdout, /finished +after 12 steps/)
  assert.match(trained.stdout, /left out +1 broken image: .*broken-images\.txt/)
  const named = (await readFile(join(tokenizer, 'broken-images.txt'), 'utf8')).split('\t')
  assert.equal(named.slice(0, 3), [join(data, 'stripes', 'broken.jpg'), '0', 'stripes/broken.jpg'])
  for (const name of ['curves', 'reconstructions', 'codebook']) await decodes(join(tokenizer, `${name}.png`))

  const tokens = join(root, 'tokens.jsonl')
  const encode = ['tokenizer', 'encode', '--tokenizer', tokenizer, '--data', validation, '--output', tokens]
  assert.is((await runBeit(encode)).code, 0)
  const lines = (await readFile(tokens, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.is(lines.length, 12)
  const grid: number[][] = lines[0].tokens
  assert.equal(
    grid.map((row) => row.length),
    [4, 4, 4, 4],
  )
  assert.ok(grid.flat().every((token) => Number.isInteger(token) && token >= 0 && token < 16))
  assert.match(lines[0].key, /^checkers/)

  const kept = await readFile(tokens)
  const occupied = await runBeit(encode)
  assert.is(occupied.code, 1)
  assert.match(occupied.stderr, /tokens\.jsonl is there already; --force replaces it \(ERR_OUTPUT_EXISTS\)/)
  const failed = await runBeit([...encode.with(5, data), '--max-broken-share', '0', '--force'])
  assert.is(failed.code, 1)
  assert.match(failed.stderr, /left out: stripes\/broken\.jpg in .*\n[\s\S]*ERR_DATA/)
  assert.equal(await readFile(tokens), kept, 'what was there stays')
  assert.equal((await readdir(root)).sort(), ['tok', 'tokens.jsonl', 'train', 'validation'])
  const onFolder = await runBeit(encode.with(7, root))
  assert.is(onFolder.code, 2)
  assert.match(onFolder.stderr, '--output must be the path of a file')

  const sheet = join(root, 'kept.png')
  const reconstruct = [
    'tokenizer',
    'reconstruct',
    '--tokenizer',
    tokenizer,
    '--data',
    validation,
    '--output',
    sheet,
  ]
  assert.is((await runBeit([...reconstruct, '--count', '5'])).code, 0)
  await decodes(sheet)

  const [output, board] = [join(root, 'beit'), join(root, 'board')]
  const pretrain =
    `pretrain --model beit_tiny_patch16_224 --image-size 32 --patch-size 8 --hidden-size 32 --depth 2
    --heads 2 --epochs 10 --batch-size 8 --threads 1 --max-broken-share 0.1 --keep-checkpoints 2`
      .split(/\s+/)
      .concat('--data', data, '--validation', validation, '--tokenizer', tokenizer, '--output', output)
      .concat(`--tensorboard=${board}`)
  const typo = await runBeit(pretrain.map((word) => word.replace('beit_tiny_', 'beit_tny_')))
  assert.is(typo.code, 2)
  assert.match(typo.stderr, "no such preset; did you mean 'beit_tiny_patch16_224'?")

  let told = false
  const stopped = await runBeit(pretrain, (child, stderr) => {
    if (!told && stderr.includes('step 1/')) told = child.kill('SIGINT')
  })
  assert.is(stopped.code, 130, stopped.stderr)
  const [, step] = /stopped after step (\d+)/.exec(stopped.stdout) as unknown as [string, string]
  assert.ok(Number(step) >= 1 && Number(step) < 60, `stopped after step ${step}`)
  const again = /beit (pretrain .* --resume auto)\n/.exec(stopped.stdout)?.[1]?.split(' ') as string[]

  const refused = await runBeit(pretrain)
  assert.is(refused.code, 1)
  assert.match(refused.stderr, 'ERR_OUTPUT_EXISTS')

  const resumed = await runBeit(again)
  assert.is(resumed.code, 0, resumed.stderr)
  assert.match(resumed.stderr, `going on after step ${step}`)
  assert.match(resumed.stdout, /validation +loss .* accuracy .* most frequent token/)
  assert.match(resumed.stdout, `tensorboard  tensorboard --logdir ${board}\n`)
  await decodes(join(output, 'curves.png'))
  await decodes(join(output, 'samples.png'))
  const events = await readMetrics(join(output, 'metrics.jsonl'))
  const steps = events.flatMap((event) => (event.type === 'step' ? [event.step] : []))
  assert.equal(
    steps,
    Array.from({ length: 60 }, (_, i) => i + 1),
  )
  const sheets = events.flatMap((event) => (event.type === 'samples' ? [event.path] : []))
  assert.is(sheets.length, 10)
  assert.equal((await readdir(join(output, 'samples'))).sort(), sheets.map((path) => basename(path)).sort())
  await decodes(sheets[9] as string)
  // One curve: the second file begins where the first one ended.
  assert.is(eventFiles(board).length, 2)
  assert.equal(
    curve(board, 'train/loss').map(([at]) => at),
    steps,
  )

  const info = await runBeit(['info', output])
  assert.match(info.stdout, /steps +60 of 60, finished/)
  assert.match(info.stdout, /step-00000060 .* complete/)
  const [newest] = (await readdir(join(output, 'checkpoints'))).sort().reverse()
  const checkpoint = await runBeit(['info', join(output, 'checkpoints', newest as string)])
  assert.match(checkpoint.stdout, /trained +60 steps/)
  assert.match(checkpoint.stdout, /model +BeitForMaskedImageModeling/)
  assert.match(checkpoint.stdout, /float32 +\[16, 32\] .* lm_head\.weight\n/)

  const exported = join(root, 'checkpoint-9.pth')
  const training = await runBeit(['convert', output, exported, '--to', 'unilm', '--training'])
  assert.is(training.code, 0, training.stderr)
  assert.match(training.stdout, /after step 60; the last finished epoch is 9, from 0\n/)
  const described = await runBeit(['info', exported])
  assert.match(described.stdout, /epoch +9\n/)
  assert.match(described.stdout, /optimizer +2 groups, state of \d+ parameters .* after step 60\n/)
  const begun = await runBeit(
    `pretrain --image-size 48 --max-steps 1 --warmup-epochs 0 --batch-size 8 --threads 1 --max-broken-share 0.1`
      .split(' ')
      .concat(
        '--data',
        data,
        '--tokenizer',
        tokenizer,
        '--model',
        exported,
        '--output',
        join(root, 'larger'),
      ),
  )
  assert.is(begun.code, 0, begun.stderr)
  assert.match(begun.stderr, /resized: the relative position table from 4x4 to 6x6 patches/)
  const wrong = await runBeit(['convert', output, join(root, 'a.pth'), '--to', 'timm', '--training'])
  assert.equal([wrong.code, /--training writes/.test(wrong.stderr)], [2, true])
})

test('a second Ctrl-C ends at once, without saving', async () => {
  const root = temporary()
  const [data, output] = [join(root, 'images'), join(root, 'run')]
  await makeImages(data, { perClass: 8, seed: 0 })
  let began = 0
  const { code, stdout, stderr } = await runBeit(
    // A step that takes minutes, of layers that take moments: no machine is so slow that the signals miss it.
    `tokenizer train --image-size 256 --vocab-size 64 --hidden-size 256 --batch-size 1 --accumulate 48 --threads 1`
      .split(/\s+/)
      .concat('--data', data, '--output', output),
    (child, stderr) => {
      if (began > 0 || !stderr.includes('stopping:')) return
      began = performance.now()
      child.kill('SIGINT')
    },
    { NODE_OPTIONS: `--import ${new URL('./programs/interrupt_first_step.js', import.meta.url)}` },
  )
  const seconds = (performance.now() - began) / 1000
  assert.equal([code, began > 0], [130, true], stderr)
  assert.ok(seconds < 20, `it took ${seconds} s to end`)
  assert.not.match(stderr, 'step 1/')
  assert.not.match(stdout, 'To go on')
  assert.equal(await readdir(join(output, 'checkpoints')), [])
})

test('data that is not there, and an empty folder', async () => {
  const root = temporary()
  await mkdir(join(root, 'empty'))
  const train = (data: string) =>
    runBeit(['tokenizer', 'train', '--data', join(root, data), '--output', join(root, 'o')])
  for (const data of ['absent', 'empty']) {
    const { code, stderr } = await train(data)
    assert.equal([code, stderr.trimEnd().split('\n').length], [1, 1], stderr)
    assert.match(stderr, /\(ERR_DATA\)$/m)
  }
})

async function decodes(path: string): Promise<void> {
  const { info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  assert.ok(info.width > 300 && info.height > 100, `${path}: ${info.width}x${info.height}`)
}

/** A file of a float32 [2, 3] and an int64 scalar. */
/** A command in this process; what it prints. */
async function ranHere(argv: string[]): Promise<{ code: number; output: string }> {
  const { log } = console
  let output = ''
  console.log = (text) => {
    output += `${text}\n`
  }
  try {
    return { code: await run(argv), output }
  } finally {
    console.log = log
  }
}

function safetensors(more: object): Buffer {
  const header = JSON.stringify({
    ...more,
    'a.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    b: { dtype: 'I64', shape: [], data_offsets: [24, 32] },
  })
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(32)])
}

test.run()
