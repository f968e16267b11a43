/** What a command of `beit` is. The commands are in commands/; parsing, help and exit codes work from this. */
import type { OptionSchema } from '../options.js'

/** Exit codes, as the help lists them. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  /** 128 + SIGINT */
  interrupted: 130,
  /** 128 + SIGTERM */
  terminated: 143,
} as const

/** Flags under one heading of the help. */
export interface FlagGroup {
  title: string
  flags: OptionSchema
}

export interface Command {
  /** 'tokenizer train' */
  name: string
  /** One line for the list of commands. */
  summary: string
  /** What follows the name in the usage line. */
  usage: string
  /** More than the summary says, in whole sentences. */
  about?: string
  groups: readonly FlagGroup[]
  /** Names of the arguments that are no flags, each of which is needed; undefined: there are none. */
  arguments?: readonly string[]
  /** The last of `arguments` may stand several times. */
  manyArguments?: boolean
  examples: readonly { what: string; line: string }[]
  /** Gives the exit code. Every error is thrown. */
  run(call: Call): Promise<number>
}

/** One use of a command, checked against its flags. */
export interface Call {
  command: Command
  /** The values given, by option name: those of --config with those of the flags over them. No defaults. */
  values: Readonly<Record<string, unknown>>
  /** As many as the command has names for, or more with `manyArguments`. */
  arguments: readonly string[]
  /** The arguments as they were typed, after the command's name. */
  argv: readonly string[]
}

/** All flags of a command in one table. */
export function flagsOf(command: Command): OptionSchema {
  return Object.assign({}, ...command.groups.map((group) => group.flags))
}

/** 'maskPatches' -> 'mask-patches' */
export const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Whether the flag alone says something: its value, if it takes one, stands behind a '='. */
export const standsAlone = ({ type }: OptionSchema[string]) =>
  type === 'boolean' || type === 'boolean-or-string'

/** Whether `--no-NAME` exists: booleans, and options that can be unset. */
export const canNegate = (spec: OptionSchema[string]) =>
  standsAlone(spec) || ('optional' in spec && spec.optional === true && spec.default !== null)
