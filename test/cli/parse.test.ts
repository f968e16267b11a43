import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Command, canNegate, flagsOf, kebab } from '../../lib/cli/command.js'
import { findCommand } from '../../lib/cli/find_command.js'
import { resumeCommand } from '../../lib/cli/follow.js'
import { commandHelp, overview, withFlagNames } from '../../lib/cli/help.js'
import { imageSizeOf } from '../../lib/cli/image_size.js'
import { parseCall, parseFlags } from '../../lib/cli/parse.js'
import { commands } from '../../lib/cli/run.js'
import { BeitError } from '../../lib/errors.js'
import { beitConfigSchema } from '../../lib/models/beit_config.js'
import type { OptionSchema, OptionSpec } from '../../lib/options.js'
import { convDiscreteVaeSchema } from '../../lib/tokenizers/conv_config.js'
import { pretrainSchema } from '../../lib/train/pretrain_options.js'
import { tokenizerSchema } from '../../lib/train/tokenizer_options.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('command line')

const commandNamed = (name: string) => commands.find((command) => command.name === name) as Command
const pretrain = commandNamed('pretrain')
const NEEDED = ['--data', 'd', '--tokenizer', 't', '--output', 'o']

/** A value that every rule of `spec` allows and that is not its default, as text and as the API takes it. */
function sample(spec: OptionSpec): { text: string; value: unknown } {
  switch (spec.type) {
    case 'integer': {
      const value = (spec.min ?? 0) + (spec.default === (spec.min ?? 0) ? 1 : 0)
      return { text: String(value), value }
    }
    case 'number': {
      const value = spec.max === undefined ? (spec.min ?? 0) + 0.125 : ((spec.min ?? 0) + spec.max) / 2
      return { text: String(value), value }
    }
    case 'numbers': {
      const one = spec.max === undefined || spec.max > 1 ? 1 : (spec.min ?? 0) + 0.25
      const value = Array.from({ length: spec.size ?? 2 }, () => one)
      return { text: value.join(','), value }
    }
    case 'choice': {
      const value = spec.choices.find((choice) => choice !== spec.default) as string
      return { text: value, value }
    }
    default:
      return { text: 'some text', value: 'some text' }
  }
}

test('every flag of every command gives the value that was typed, in both notations', () => {
  let checked = 0
  for (const command of commands) {
    for (const [name, spec] of Object.entries(flagsOf(command))) {
      const flag = `--${kebab(name)}`
      if (spec.type === 'boolean') {
        assert.equal(parseFlags(command, [flag]).values, { [name]: true })
        assert.equal(parseFlags(command, [`--no-${kebab(name)}`]).values, { [name]: false })
      } else if (spec.type === 'boolean-or-string') {
        assert.equal(parseFlags(command, [flag]).values, { [name]: true })
        assert.equal(parseFlags(command, [`--no-${kebab(name)}`]).values, { [name]: false })
        assert.equal(parseFlags(command, [`${flag}=some text`]).values, { [name]: 'some text' })
        assert.throws(() => parseFlags(command, [`${flag}=`]), /must be true, false or a string, got ""/)
      } else {
        const { text, value } = sample(spec)
        assert.equal(
          parseFlags(command, [flag, text]).values,
          { [name]: value },
          `${command.name} ${flag} ${text}`,
        )
        assert.equal(parseFlags(command, [`${flag}=${text}`]).values, { [name]: value })
        if (canNegate(spec))
          assert.equal(parseFlags(command, [`--no-${kebab(name)}`]).values, { [name]: null })
      }
      checked++
    }
  }
  assert.ok(checked > 100, `${checked} flags`)
})

test('every option of the API can be reached', () => {
  const reach = (command: Command, schemas: OptionSchema[], notFlags: readonly string[]) => {
    const flags = flagsOf(command)
    for (const name of schemas.flatMap(Object.keys))
      assert.is(name in flags, !notFlags.includes(name), `${command.name}: ${name}`)
  }
  // The vocabulary of a model is that of its tokenizer; it has no classes; a signal comes from the keyboard.
  const absent = ['vocabSize', 'numClasses', 'pooling', 'signal']
  reach(pretrain, [pretrainSchema, beitConfigSchema], absent)
  reach(commandNamed('tokenizer train'), [tokenizerSchema, convDiscreteVaeSchema], ['model', 'signal'])
})

test('names convert both ways', () => {
  for (const name of Object.keys(flagsOf(pretrain))) {
    const back = kebab(name).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    assert.is(back, name)
  }
})

/** The message of the usage error that `argv` gives. */
async function refusal(argv: readonly string[], command = pretrain): Promise<string> {
  try {
    await parseCall(command, argv)
  } catch (error) {
    assert.instance(error, BeitError)
    assert.is((error as BeitError).code, 'ERR_INVALID_ARGUMENT')
    return (error as BeitError).message
  }
  throw new Error(`accepted: ${argv.join(' ')}`)
}

test('an unknown flag is refused with the nearest', async () => {
  assert.match(
    await refusal([...NEEDED, '--batchsize', '8']),
    "no flag --batchsize; did you mean '--batch-size'?",
  )
  assert.match(await refusal([...NEEDED, '--no-clip-grad']), "did you mean '--no-clip-gradient'?")
  assert.match(await refusal([...NEEDED, '--no-batch-size']), 'no flag --no-batch-size')
  assert.match(
    await refusal([...NEEDED, '--zzzzzzzzzzzz']),
    /no flag --zzzzzzzzzzzz\. 'beit pretrain --help'/,
  )
  assert.match(await refusal([...NEEDED, '-x']), /no flag -x\. /)
  assert.match(await refusal([...NEEDED, '-epochs', '3']), "no flag -epochs; did you mean '--epochs'?")
  assert.match(
    await refusal([...NEEDED, '--batch_size=8']),
    "no flag --batch_size; did you mean '--batch-size'?",
  )
})

test('words find a command, a group of commands, or what was meant', () => {
  const found = (...words: string[]) => {
    const result = findCommand(commands, words)
    if (result.kind === 'command') return [result.command.name, ...result.rest]
    return result.kind === 'group' ? [result.group, result.members.length] : []
  }
  assert.equal(found('tokenizer', 'train', '--seed', '1'), ['tokenizer train', '--seed', '1'])
  assert.equal(found('pretrain', 'train'), ['pretrain', 'train'])
  for (const words of [['visualize'], ['visualize', '--help'], ['visualize', '-h', 'masks']]) {
    assert.equal(found(...words), ['visualize', 4])
  }
  assert.equal([found(), found('--help')], [[], []])

  const refused = (...words: string[]) => {
    try {
      found(...words)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error(`accepted: ${words.join(' ')}`)
  }
  const meant = {
    pretrian: 'pretrain',
    'visualize maks': 'visualize masks',
    'visualise masks': 'visualize masks',
    'visualise maks': 'visualize masks',
    visualise: 'visualize',
    masks: 'visualize masks',
    'tokeniser trian': 'tokenizer train',
    'pretrian train': 'pretrain',
  }
  for (const [typed, name] of Object.entries(meant)) {
    assert.match(refused(...typed.split(' '), '--help'), `did you mean 'beit ${name}'?`)
  }
  assert.match(refused('visualize', 'x'), /no command 'beit visualize x'; there are visualize [^p]*$/)
  assert.match(refused('xxxxx'), /; there are pretrain, .*visualize masks/)
  assert.match(refused('--seed', '1'), 'a command comes before --seed')
})

test('a value may be the name of a flag, without its dashes', async () => {
  const argv = [
    '--data',
    'data',
    '--tokenizer',
    'no-clip-gradient',
    '--output',
    'output',
    '--resume',
    'resume',
  ]
  const { values } = await parseCall(pretrain, argv)
  assert.equal(values, { data: 'data', tokenizer: 'no-clip-gradient', output: 'output', resume: 'resume' })
})

test('missing, wrong and needless values are named by flag', async () => {
  assert.match(await refusal(['--tokenizer', 't', '--output', 'o']), '--data is missing')
  assert.match(await refusal([...NEEDED, '--epochs']), '--epochs needs a value')
  assert.match(await refusal([...NEEDED, '--epochs', '--seed', '1']), '--epochs needs a value')
  assert.match(
    await refusal([...NEEDED, '--epochs', 'ten']),
    '--epochs must be an integer of at least 1, got "ten"',
  )
  assert.match(
    await refusal([...NEEDED, '--epochs', '0']),
    '--epochs must be an integer of at least 1, got 0',
  )
  assert.match(await refusal([...NEEDED, '--epochs', '1.5']), '--epochs must be an integer')
  assert.match(await refusal([...NEEDED, '--epochs', '']), '--epochs must be an integer')
  assert.match(await refusal([...NEEDED, '--betas', '0.9']), '--betas must be an array of 2 numbers')
  assert.match(await refusal([...NEEDED, '--betas', '0.9,x']), '--betas must be an array of 2 numbers')
  assert.match(await refusal([...NEEDED, '--precision', 'bf61']), "did you mean 'bf16'?")
  assert.match(await refusal([...NEEDED, '--absolute-positions=yes']), "takes no value, got 'yes'")
  assert.match(await refusal([...NEEDED, 'photos/']), "unexpected argument 'photos/'")
  assert.match(await refusal([], commandNamed('info')), 'PATH is missing')
})

test('numbers of every notation', () => {
  const value = (text: string) => parseFlags(pretrain, ['--learning-rate', text]).values.learningRate
  assert.equal([value('1e-3'), value('.5'), value('2')], [0.001, 0.5, 2])
  assert.equal(parseFlags(pretrain, ['--betas', '0.9,0.98']).values.betas, [0.9, 0.98])
  assert.equal(parseFlags(pretrain, ['--image-size', '32']).values.imageSize, [32])
  assert.equal(parseFlags(pretrain, ['--image-size', '32,64']).values.imageSize, [32, 64])
})

test('--config gives options by their API names; flags go before it', async () => {
  const file = join(temporary(), 'recipe.json')
  const recipe = {
    data: 'd',
    tokenizer: 't',
    output: 'o',
    batchSize: 256,
    betas: [0.9, 0.98],
    clipGradient: null,
  }
  await writeFile(file, JSON.stringify(recipe))
  const { values } = await parseCall(pretrain, ['--config', file, '--batch-size', '8', '--seed', '3'])
  assert.equal(values, { ...recipe, batchSize: 8, seed: 3 })

  await writeFile(file, JSON.stringify({ ...recipe, batchsize: 8 }))
  assert.match(await refusal(['--config', file]), "has no option 'batchsize'; did you mean 'batchSize'?")
  await writeFile(file, JSON.stringify({ ...recipe, batchSize: '8' }))
  assert.match(
    await refusal(['--config', file]),
    /recipe\.json: batchSize must be an integer of at least 1, got "8"/,
  )
  await writeFile(file, '[]')
  assert.match(await refusal(['--config', file]), 'must be an object of options')
})

test('an image size in --config is that of the API: a number or [height, width]', async () => {
  const file = join(temporary(), 'recipe.json')
  const size = async (imageSize: unknown) => {
    await writeFile(file, JSON.stringify({ imageSize }))
    return imageSizeOf((await parseCall(pretrain, [...NEEDED, '--config', file])).values)
  }
  assert.equal(await size(32), [32, 32])
  assert.equal(await size([32, 48]), [32, 48])
  await rejects(size([32, 48, 64]), 'ERR_INVALID_ARGUMENT', /--image-size must be N or HEIGHT,WIDTH/)
  await writeFile(file, '{"imageSize": 0}')
  assert.match(
    await refusal([...NEEDED, '--config', file]),
    'imageSize must be one or more numbers from 1 to 65536, got 0',
  )
})

test('a --config that is not there or not JSON says so', async () => {
  const folder = temporary()
  const code = (path: string) =>
    parseCall(pretrain, ['--config', path]).then(
      () => 'none',
      (error: BeitError) => error.code,
    )
  assert.is(await code(join(folder, 'absent.json')), 'ERR_IO')
  await writeFile(join(folder, 'torn.json'), '{"batchSize": 2')
  assert.is(await code(join(folder, 'torn.json')), 'ERR_FORMAT')
})

test('the help names every flag with its default, in the words of the command line', () => {
  for (const command of commands) {
    const help = commandHelp(command, 100)
    for (const name of Object.keys(flagsOf(command)))
      assert.match(help, new RegExp(`^ {2}--${kebab(name)}\\b`, 'm'))
    assert.ok(command.examples.length > 0)
    for (const { line } of command.examples) assert.match(help, line)
    const wide = help.split('\n').filter((line) => line.length > 100 && !line.includes('beit '))
    assert.equal(wide, [])
    assert.match(overview(commands), command.name)
  }
  const help = commandHelp(pretrain, 100)
  assert.match(help, /--learning-rate X .*\(default 0\.0005\)/)
  assert.match(help, 'off: --no-clip-gradient')
  assert.match(help, 'in place of --warmup-epochs')
})

test('the examples of the help are valid', async () => {
  for (const command of commands) {
    for (const { line } of command.examples) {
      // Variables of the environment may stand before the command.
      const words = line
        .replace(/^(\w+=\S+ )+/, '')
        .replaceAll("'", '')
        .split(' ')
        .slice(1 + command.name.split(' ').length)
      if (!words.includes('--config')) await parseCall(command, words)
    }
  }
})

test('texts of the API speak of flags', () => {
  const schema = flagsOf(pretrain)
  assert.is(
    withFlagNames('pretrain: maskPatches must be 1, see ImageFolder.open and data', schema),
    'pretrain: --mask-patches must be 1, see ImageFolder.open and data',
  )
})

test('the command to go on is what was typed, with --resume auto, quoted for a shell', () => {
  const resume = (argv: string[]) => resumeCommand({ command: pretrain, argv })
  assert.is(
    resume(['--data', 'my photos/*.tar', '--output', "it's"]),
    "beit pretrain --data 'my photos/*.tar' --output 'it'\\''s' --resume auto",
  )
  assert.is(resume(['--resume', 'never', '--seed', '1']), 'beit pretrain --seed 1 --resume auto')
  assert.is(resume(['--resume=never', '--seed=1']), 'beit pretrain --seed=1 --resume auto')
})

test.run()
