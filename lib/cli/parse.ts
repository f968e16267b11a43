/** From arguments to option values: the flags of a command are its option tables, nothing is written twice. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { BeitError, invalidArgument } from '../errors.js'
import { near, type OptionSchema, type OptionSpec, suggest, validateOptions } from '../options.js'
import { type Call, type Command, canNegate, flagsOf, kebab, standsAlone } from './command.js'

/** Flags that every command has. */
export const COMMON_FLAGS: OptionSchema = {
  config: {
    type: 'string',
    default: null,
    optional: true,
    doc: 'JSON file of options by their names in the API (camelCase); flags go before it',
  },
  verbose: { type: 'boolean', default: false, doc: 'Show the stack of an error' },
  help: { type: 'boolean', default: false, doc: 'Show this help' },
}

/**
 * Checks `argv` against the command's flags and reads --config.
 * @throws BeitError ERR_INVALID_ARGUMENT: unknown flag (with the nearest), missing, wrong or needless value
 */
export async function parseCall(command: Command, argv: readonly string[]): Promise<Call> {
  const schema = flagsOf(command)
  const { values, positionals } = parseFlags(command, argv)
  const { arguments: names = [], manyArguments = false } = command
  if (positionals.length > names.length && !manyArguments) {
    throw usage(command, `unexpected argument '${positionals[names.length]}'`)
  }
  const { config, verbose: _verbose, help: _help, ...flags } = values
  const fromFile = config === undefined ? {} : await readConfig(config as string, schema)
  const merged = { ...fromFile, ...flags }
  if (positionals.length < names.length) throw usage(command, `${names[positionals.length]} is missing`)
  for (const [name, spec] of Object.entries(schema)) {
    const needed = spec.type !== 'boolean' && spec.default == null && !spec.optional
    if (needed && merged[name] === undefined) throw usage(command, `--${kebab(name)} is missing: ${spec.doc}`)
  }
  return { command, values: merged, arguments: positionals, argv }
}

/** The values of the flags in `argv`, each checked, by option name. */
export function parseFlags(
  command: Command,
  argv: readonly string[],
): { values: Record<string, unknown>; positionals: string[] } {
  const schema = { ...flagsOf(command), ...COMMON_FLAGS }
  const byFlag = new Map(Object.keys(schema).map((name) => [kebab(name), name]))
  // `--epochs --seed 1` lacks a value; `--data data` does not.
  const isFlag = (text: string) => text.startsWith('--') && byFlag.has(text.replace(/^--(no-)?/, ''))
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: parserOptions(schema),
    // Strict would stop at an unknown flag with a message of its own, without the nearest one.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Record<string, unknown> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    if (token.rawName === '-h') token.name = 'help'
    const negated = token.name.startsWith('no-') && !byFlag.has(token.name)
    const name = byFlag.get(negated ? token.name.slice(3) : token.name)
    const spec = name === undefined ? undefined : schema[name]
    if (name === undefined || spec === undefined || (negated && !canNegate(spec))) {
      // `-epochs` is read as five letters: what was typed is said, and two dashes are suggested.
      const typed = token.rawName.startsWith('--') ? token.rawName : (argv[token.index] ?? token.rawName)
      throw usage(command, `there is no flag ${typed}${suggestFlag(typed.replace(/^-+|=.*$/gs, ''), schema)}`)
    }
    const text = token.value
    const isBare = text === undefined && standsAlone(spec)
    if (negated || spec.type === 'boolean' || isBare) {
      if (text !== undefined) throw usage(command, `${token.rawName} takes no value, got '${text}'`)
      values[name] = standsAlone(spec) ? !negated : null
    } else {
      if (text === undefined || (!token.inlineValue && isFlag(text)))
        throw usage(command, `${token.rawName} needs a value: ${spec.doc}`)
      values[name] = checkedValue(command, `--${kebab(name)}`, spec, text)
    }
  }
  return { values, positionals }
}

function parserOptions(schema: OptionSchema) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }> = {}
  for (const [name, spec] of Object.entries(schema)) {
    options[kebab(name)] = { type: standsAlone(spec) ? 'boolean' : 'string' }
    if (canNegate(spec)) options[`no-${kebab(name)}`] = { type: 'boolean' }
  }
  return options
}

function suggestFlag(name: string, schema: OptionSchema): string {
  const flags = Object.entries(schema).flatMap(([option, spec]) =>
    canNegate(spec) ? [kebab(option), `no-${kebab(option)}`] : [kebab(option)],
  )
  const flag = near(name, flags)
  return flag === null ? '' : `; did you mean '--${flag}'?`
}

/** A flag's text as the option's type, checked by the API's own rules under the flag's name. */
function checkedValue(command: Command, flag: string, spec: OptionSpec, text: string): unknown {
  const value = fromText(spec, text)
  return validateOptions<Record<string, unknown>>(
    `beit ${command.name}`,
    { [flag]: spec },
    { [flag]: value },
  )[flag]
}

/** What is no number stays text, so that the check can name it. */
function fromText(spec: OptionSpec, text: string): unknown {
  const number = (part: string) => (part.trim() !== '' && Number.isFinite(Number(part)) ? Number(part) : part)
  switch (spec.type) {
    case 'number':
    case 'integer':
      return number(text)
    case 'numbers':
      return text.split(',').map(number)
    default:
      return text
  }
}

/** @param schema the command's flags; keys of the file are their API names */
async function readConfig(path: string, schema: OptionSchema): Promise<Record<string, unknown>> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const code = cause instanceof SyntaxError ? 'ERR_FORMAT' : 'ERR_IO'
    throw new BeitError(code, `cannot read --config ${path}: ${(cause as Error).message}`, { cause })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw invalidArgument(`--config ${path}`, 'an object of options', content)
  const checked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(content)) {
    const spec = schema[name]
    if (spec === undefined) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `${path} has no option '${name}'${suggest(name, Object.keys(schema))}`,
      )
    }
    checked[name] = validateOptions<Record<string, unknown>>(path, { [name]: spec }, { [name]: value })[name]
  }
  return checked
}

function usage(command: Command, problem: string): BeitError {
  return new BeitError(
    'ERR_INVALID_ARGUMENT',
    `beit ${command.name}: ${problem}. 'beit ${command.name} --help' lists the flags.`,
  )
}
