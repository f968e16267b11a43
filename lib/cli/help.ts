/** The help texts: made from the commands' option tables. */

import { wrap } from '../log/wrap.js'
import type { OptionSchema, OptionSpec } from '../options.js'
import { type Command, canNegate, EXIT, flagsOf, kebab, standsAlone } from './command.js'
import { COMMON_FLAGS } from './parse.js'

const INDENT = 30

/** The list of commands. */
export function overview(commands: readonly Command[]): string {
  return [
    'beit: pre-training of BEiT image Transformers on libtorch',
    '',
    'Usage: beit COMMAND [flags]',
    '',
    ...list(commands),
    '',
    "'beit COMMAND --help' tells a command's flags, with examples.",
    '',
    'Exit codes',
    `  ${EXIT.ok}    done`,
    `  ${EXIT.error}    an error; its message goes to standard error`,
    `  ${EXIT.usage}    wrong use: an unknown flag, a missing or wrong value`,
    `  ${EXIT.interrupted}  stopped by Ctrl-C after saving; the command to go on is printed`,
    `  ${EXIT.terminated}  the same for SIGTERM`,
  ].join('\n')
}

/** The commands whose names begin with the same word. */
export function groupHelp(group: string, members: readonly Command[]): string {
  return [
    `Usage: beit ${group} COMMAND [flags]`,
    '',
    ...list(members),
    '',
    `'beit ${group} COMMAND --help' tells a command's flags, with examples.`,
  ].join('\n')
}

function list(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map((command) => command.name.length))
  return commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`)
}

/** The help of one command. @param columns width of the terminal */
export function commandHelp(command: Command, columns: number): string {
  const width = Math.min(110, Math.max(60, columns))
  const schema = flagsOf(command)
  const groups = [...command.groups, { title: 'Common', flags: COMMON_FLAGS }]
  return [
    `Usage: beit ${command.name} ${command.usage}`,
    '',
    ...wrap(`${command.summary}.${command.about === undefined ? '' : ` ${command.about}`}`, width),
    ...groups.flatMap(({ title, flags }) => [
      '',
      title,
      ...Object.entries(flags).flatMap(([name, spec]) => flagHelp(name, spec, schema, width)),
    ]),
    '',
    'Examples',
    ...command.examples.flatMap(({ what, line }) => [`  # ${what}`, `  ${line}`]),
  ].join('\n')
}

function flagHelp(name: string, spec: OptionSpec, schema: OptionSchema, width: number): string[] {
  const flag = `  --${kebab(name)}${placeholder(name, spec)}`
  const doc = spec.doc.slice(0, 1).toUpperCase() + spec.doc.slice(1)
  const text = withFlagNames(doc, schema) + extra(name, spec)
  const lines = wrap(text, width - INDENT)
  const first = flag.length <= INDENT - 2 ? [flag.padEnd(INDENT) + (lines.shift() ?? '')] : [flag]
  return [...first, ...lines.map((line) => ' '.repeat(INDENT) + line)]
}

const PLACEHOLDERS: Record<string, string> = {
  data: 'PATH',
  validation: 'PATH',
  tokenizer: 'FILE',
  output: 'PATH',
  config: 'FILE',
  model: 'NAME|FILE',
  resume: 'auto|never|PATH',
  device: 'NAME',
  imageSize: 'N|H,W',
}

function placeholder(name: string, spec: OptionSpec): string {
  if (spec.type === 'boolean-or-string') return `[=${spec.placeholder ?? 'TEXT'}]`
  const special = spec.placeholder ?? PLACEHOLDERS[name]
  if (special !== undefined) return ` ${special}`
  switch (spec.type) {
    case 'boolean':
      return ''
    case 'choice':
      return ` ${spec.choices.join('|')}`
    case 'numbers':
      return ` ${Array.from({ length: spec.size ?? 2 }, () => 'X').join(',')}`
    case 'integer':
      return ' N'
    case 'number':
      return ' X'
    default:
      return ' TEXT'
  }
}

/** The default, and how to say no. */
function extra(name: string, spec: OptionSpec): string {
  const notes: string[] = []
  if (standsAlone(spec)) {
    if (spec.default) notes.push('on by default')
  } else if (spec.default != null) {
    notes.push(
      `default ${Array.isArray(spec.default) ? spec.default.map(short).join(',') : short(spec.default)}`,
    )
  } else if (!spec.optional) {
    notes.push('needed')
  }
  if (canNegate(spec) && !(standsAlone(spec) && !spec.default)) notes.push(`off: --no-${kebab(name)}`)
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`
}

const short = (value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value)

/**
 * A text of the API in the words of the command line: "in place of warmupEpochs" becomes "in place of --warmup-epochs",
 * "give resume: 'auto'" becomes "give --resume auto".
 * Names of one plain word stay, as they could be meant as words.
 */
export function withFlagNames(text: string, schema: OptionSchema): string {
  const asked = text.replace(/\bgive (\w+):? '([^']*)'/g, (all, name, value) =>
    name in schema ? `give --${kebab(name)} ${value}` : all,
  )
  return asked.replace(/\b[a-z]+(?:[A-Z][a-z]*)+\b/g, (name) => (name in schema ? `--${kebab(name)}` : name))
}
