/** Which command the words after `beit` name, or which group of them, or what they were meant to name. */
import { BeitError } from '../errors.js'
import { near } from '../options.js'
import type { Command } from './command.js'

/** What the words name: one command, the commands of a group ('tokenizer'), or nothing ('beit' alone). */
export type Found =
  | { kind: 'command'; command: Command; rest: readonly string[] }
  | { kind: 'group'; group: string; members: readonly Command[] }
  | { kind: 'none' }

/**
 * Words from the first flag on name no command.
 * @throws BeitError ERR_INVALID_ARGUMENT with the nearest name, else those that there are
 */
export function findCommand(commands: readonly Command[], words: readonly string[]): Found {
  const command = commands.find(({ name }) => name.split(' ').every((word, i) => words[i] === word))
  if (command !== undefined) {
    return { kind: 'command', command, rest: words.slice(command.name.split(' ').length) }
  }
  const [group, member] = words.map((word) => (word.startsWith('-') ? undefined : word))
  if (group === undefined) {
    if (words.length > 0 && !isHelp(words[0])) {
      throw noCommand(`a command comes before ${words[0]}. 'beit --help' lists them.`)
    }
    return { kind: 'none' }
  }
  const members = commands.filter(({ name }) => name.startsWith(`${group} `))
  if (members.length > 0 && member === undefined) return { kind: 'group', group, members }
  const names = (members.length > 0 ? members : commands).map(({ name }) => name)
  const typed = members.length > 0 ? `${group} ${member}` : group
  const meant = nearest(names, group, member)
  const hint = meant === null ? `; there are ${names.join(', ')}` : `; did you mean 'beit ${meant}'?`
  throw noCommand(`there is no command 'beit ${typed}'${hint}`)
}

export const isHelp = (word: string | undefined) => word === '--help' || word === '-h'

const noCommand = (message: string) => new BeitError('ERR_INVALID_ARGUMENT', message)

/**
 * Each word is compared by itself: in a long name of two words a short one could be anything. 'visualise masks',
 * 'visualize maks', 'visualise' (the group) and 'masks' (without its group) are all understood.
 */
function nearest(names: readonly string[], first: string, second: string | undefined): string | null {
  const groups = new Set(
    names.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0] as string),
  )
  const group = groups.has(first) ? first : near(first, [...groups])
  if (group !== null && second !== undefined) {
    const members = names
      .filter((name) => name.startsWith(`${group} `))
      .map((name) => name.split(' ')[1] as string)
    const member = near(second, members)
    if (member !== null) return `${group} ${member}`
  }
  if (groups.has(first)) return null
  const single = near(first, [...names.filter((name) => !name.includes(' ')), ...groups])
  return single ?? names.find((name) => name.endsWith(` ${first}`)) ?? null
}
