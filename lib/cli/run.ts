/** Finds the command, runs it, and turns what it throws into one message and an exit code. */
import { BeitError } from '../errors.js'
import { printable } from '../log/printable.js'
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
import { reportCommand } from './commands/report.js'
import { setupCommand } from './commands/setup.js'
import { encodeCommand } from './commands/tokenizer_encode.js'
import { reconstructCommand } from './commands/tokenizer_reconstruct.js'
import { tokenizerTrainCommand } from './commands/tokenizer_train.js'
import { verifyCommand } from './commands/verify.js'
import { attentionCommand } from './commands/visualize_attention.js'
import { codebookCommand } from './commands/visualize_codebook.js'
import { masksCommand } from './commands/visualize_masks.js'
import { reconstructMaskedCommand } from './commands/visualize_reconstruct.js'
import { watchCommand } from './commands/watch.js'
import { findCommand, isHelp } from './find_command.js'
import { commandHelp, groupHelp, overview, withFlagNames } from './help.js'
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
  reportCommand,
  watchCommand,
  infoCommand,
  convertCommand,
  verifyCommand,
  doctorCommand,
  setupCommand,
]

/** Runs `beit` with the arguments after its name. Never throws: gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const asked = argv[0] === 'help'
  const words = asked ? argv.slice(1) : argv
  let command: Command | undefined
  try {
    const found = findCommand(commands, words)
    const help = asked || words.some(isHelp)
    if (found.kind !== 'command') {
      console.log(found.kind === 'group' ? groupHelp(found.group, found.members) : overview(commands))
      // Without being asked for, the list is an answer to a mistake.
      return help ? EXIT.ok : EXIT.usage
    }
    command = found.command
    if (help) {
      console.log(commandHelp(command, process.stdout.columns ?? 110))
      return EXIT.ok
    }
    return await command.run(await parseCall(command, found.rest))
  } catch (error) {
    process.stderr.write(`${describeError(error, command, argv.includes('--verbose'))}\n`)
    return error instanceof BeitError && error.code === 'ERR_INVALID_ARGUMENT' ? EXIT.usage : EXIT.error
  }
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
