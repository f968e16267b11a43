/** Finds the command, runs it, and turns what it throws into one message and an exit code. */
import { BeitError } from '../errors.js'
import { printable } from '../log/printable.js'
import { suggest } from '../options.js'
import { type Command, EXIT, flagsOf } from './command.js'
import { convertCommand } from './commands/convert.js'
import { doctorCommand } from './commands/doctor.js'
import { evaluateCommand } from './commands/evaluate.js'
import { featuresCommand } from './commands/features.js'
import { finetuneCommand } from './commands/finetune.js'
import { infoCommand } from './commands/info.js'
import { predictCommand } from './commands/predict.js'
import { pretrainCommand } from './commands/pretrain.js'
import { probeCommand } from './commands/probe.js'
import { encodeCommand } from './commands/tokenizer_encode.js'
import { reconstructCommand } from './commands/tokenizer_reconstruct.js'
import { tokenizerTrainCommand } from './commands/tokenizer_train.js'
import { verifyCommand } from './commands/verify.js'
import { attentionCommand } from './commands/visualize_attention.js'
import { codebookCommand } from './commands/visualize_codebook.js'
import { masksCommand } from './commands/visualize_masks.js'
import { reconstructMaskedCommand } from './commands/visualize_reconstruct.js'
import { commandHelp, overview, withFlagNames } from './help.js'
import { parseCall } from './parse.js'

export const commands: readonly Command[] = [
  pretrainCommand,
  finetuneCommand,
  tokenizerTrainCommand,
  evaluateCommand,
  predictCommand,
  probeCommand,
  featuresCommand,
  encodeCommand,
  reconstructCommand,
  reconstructMaskedCommand,
  attentionCommand,
  codebookCommand,
  masksCommand,
  infoCommand,
  convertCommand,
  verifyCommand,
  doctorCommand,
]

/** Runs `beit` with the arguments after its name. Never throws: gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const help = argv[0] === 'help'
  const words = help ? argv.slice(1) : argv
  const command = commands.find(({ name }) => name.split(' ').every((word, i) => words[i] === word))
  try {
    if (command === undefined) return withoutCommand(words, help)
    const rest = words.slice(command.name.split(' ').length)
    if (help || rest.includes('--help') || rest.includes('-h')) {
      console.log(commandHelp(command, process.stdout.columns ?? 110))
      return EXIT.ok
    }
    return await command.run(await parseCall(command, rest))
  } catch (error) {
    process.stderr.write(`${describeError(error, command, argv.includes('--verbose'))}\n`)
    return error instanceof BeitError && error.code === 'ERR_INVALID_ARGUMENT' ? EXIT.usage : EXIT.error
  }
}

function withoutCommand(words: readonly string[], help: boolean): number {
  if (help || words.length === 0 || words[0] === '--help' || words[0] === '-h') {
    console.log(overview(commands))
    // Without any argument the list is an answer to a mistake.
    return help || words.length > 0 ? EXIT.ok : EXIT.usage
  }
  const names = commands.map(({ name }) => name)
  const group = names.filter((name) => name.startsWith(`${words[0]} `))
  const typed = words.slice(0, group.length > 0 ? 2 : 1).join(' ')
  const hint = group.length > 0 ? `; there are ${group.join(', ')}` : suggest(typed, names)
  throw new BeitError('ERR_INVALID_ARGUMENT', `there is no command 'beit ${typed}'${hint}`)
}

/** "beit: MESSAGE (CODE)" in the words of the command line; the stack below it when asked for. */
export function describeError(error: unknown, command: Command | undefined, verbose: boolean): string {
  if (!(error instanceof Error)) return `beit: ${printable(String(error))}`
  const code = 'code' in error ? String(error.code) : null
  const text = command === undefined ? error.message : withFlagNames(error.message, flagsOf(command))
  // Messages repeat names that stand in files; those of one line must not be made into more by them.
  const message = code === null || LONG_MESSAGES.has(code) ? printableLines(text) : printable(text, Infinity)
  // An error that is not ours is a defect: its stack is what a report needs.
  const stack = verbose || code === null ? `\n${printableLines(error.stack ?? '')}` : ''
  const cause =
    verbose && error.cause instanceof Error ? `\ncaused by ${printableLines(error.cause.stack ?? '')}` : ''
  const name = message.startsWith('beit ') ? '' : 'beit: '
  return `${name}${message}${code === null ? '' : ` (${code})`}${stack}${cause}`
}

/** Codes of errors whose messages have several lines. */
const LONG_MESSAGES: ReadonlySet<string> = new Set(['ERR_LIBTORCH', 'ERR_ADDON_NOT_LOADED', 'ERR_NATIVE'])

const printableLines = (text: string) =>
  text
    .split('\n')
    .map((line) => printable(line, Infinity))
    .join('\n')
