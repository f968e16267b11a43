/**
 * Files that were made to do harm (attacks/) are refused by the rule that they break, or read as inert data; and
 * while they are read no code of theirs runs: no process, no network, no file but their own.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { openCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { runProgram } from '../support/child.js'
import { rejects } from '../support/errors.js'
import { SEEDS } from '../support/seeds.js'
import { callsBetween, strace, straceLacks } from '../support/strace.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import type { Attack } from './attacks/attack.js'
import { ATTACKS } from './attacks/corpus.js'
import type { Outcome, Report } from './programs/read_attacks.js'

const test = suite('hostile files')

/** Writes all files, each in a folder of its own, and the list of them. */
function corpus(): string {
  const folder = temporary()
  const write = ({ main, files }: Pick<Attack, 'main' | 'files'>, place: string) => {
    mkdirSync(join(folder, place))
    for (const [name, file] of Object.entries(files)) writeFileSync(join(folder, place, name), file)
    return join(folder, place, main)
  }
  const warmUp = SEEDS.map((seed, i) => write(seed, `seed${i}`))
  const files = ATTACKS.map((attack, i) => write(attack, `attack${i}`))
  writeFileSync(join(folder, 'list.json'), JSON.stringify({ warmUp, files }))
  return folder
}

/** Node then refuses to make code of text (eval, new Function) as well. */
const FLAGS = ['--expose-gc', '--disallow-code-generation-from-strings']

async function readAll(folder: string, mode: 'measure' | 'trace', under: string[] = []): Promise<Report> {
  const { status, signal, output } = await runProgram('checkpoint/programs/read_attacks.js', [folder, mode], {
    flags: FLAGS,
    under,
  })
  equal([status, signal], [0, null], output)
  return JSON.parse(output.split('\n').find((line) => line.startsWith('{"outcomes"')) ?? 'null')
}

let measured: Promise<Report> | undefined
const report = () => {
  measured ??= readAll(corpus(), 'measure')
  return measured
}

/** What is wrong with how an attack ended; null when it was refused or inert as it should be. */
function problem({ expected }: Attack, outcome: Outcome): string | null {
  const { code, message, data } = outcome
  const found = JSON.stringify(data === undefined ? { code, message } : data)
  if (expected instanceof RegExp) {
    const refused = code === 'ERR_FORMAT' && expected.test(message ?? '')
    return refused ? null : `expected ERR_FORMAT ${expected}, got ${found}`
  }
  return found === JSON.stringify(expected) ? null : `expected ${JSON.stringify(expected)}, got ${found}`
}

test('there are many, and each is another file', () => {
  ok(ATTACKS.length >= 600, `${ATTACKS.length} files`)
  is(new Set(ATTACKS.map(({ name }) => name)).size, ATTACKS.length, 'names')
  const contents = ATTACKS.map(({ files }) => Buffer.concat(Object.values(files)).toString('base64'))
  const repeated = ATTACKS.filter((_, i) => contents.indexOf(contents[i] as string) !== i)
  equal(
    repeated.map(({ name }) => name),
    [],
  )
})

test('each is refused by the rule it breaks, or inert', async () => {
  const { outcomes } = await report()
  is(outcomes.length, ATTACKS.length)
  const wrong = ATTACKS.map((attack, i) => [attack.name, problem(attack, outcomes[i] as Outcome)])
  equal(
    wrong.filter(([, what]) => what !== null),
    [],
  )
})

test('reading them starts no process, asks no network and opens no other file', async () => {
  const { violations, polluted } = await report()
  equal(violations, [])
  equal(polluted, [], 'names on every object')
})

test('none takes more than a second of the processor', async () => {
  const { outcomes } = await report()
  const slow = ATTACKS.map(({ name }, i) => ({ name, milliseconds: (outcomes[i] as Outcome).milliseconds }))
  equal(
    slow.filter(({ milliseconds }) => milliseconds > 1000),
    [],
  )
})

const measures = process.platform === 'linux' ? null : 'the peak of memory is read from /proc'
test.skipIf(measures, 'none takes more memory than twice the file and 64 MB', async () => {
  const { outcomes } = await report()
  const large = ATTACKS.flatMap(({ name, files }, i) => {
    const size = Object.values(files).reduce((sum, file) => sum + file.length, 0)
    const { memory } = outcomes[i] as Outcome
    return memory === null || memory > 2 * size + 64 * 2 ** 20 ? [{ name, size, memory }] : []
  })
  equal(large, [])
})

test.skipIf(straceLacks(), 'the system sees nothing of it either, by strace', async () => {
  const folder = corpus()
  const log = join(temporary(), 'calls')
  await readAll(folder, 'trace', strace(log))
  const calls = callsBetween(log, join(folder, 'begin'), join(folder, 'end'))
  ok(calls.length > ATTACKS.length, `${calls.length} calls`)
  equal(
    calls.filter((call) => !isHarmless(call, folder)),
    [],
  )
})

const pipes = process.platform === 'win32' ? 'there is no mkfifo' : null
test.skipIf(pipes, 'a pipe is refused, without waiting for its other end', async () => {
  const path = join(temporary(), 'pipe.pth')
  execFileSync('mkfifo', [path])
  await rejects(openCheckpoint(path), 'ERR_IO', /it is not a regular file/)
})

/** Where the runtimes of C++ and JavaScript look for processors and memory. */
const SYSTEM = /^\/(sys\/devices\/system|sys\/kernel\/mm|proc\/self|proc\/stat|proc\/meminfo)\b/

/** Opening a file of the attack to read it, asking for its size; threads of the runtime coming and going. */
function isHarmless(line: string, folder: string): boolean {
  const call = line.replace(/^\d+\s+/, '')
  const path = /^(?:openat|statx|newfstatat)\(AT_FDCWD, "([^"]+)"/.exec(call)?.[1]
  if (path !== undefined) {
    const writes = call.startsWith('openat') && !/O_RDONLY/.test(call)
    return !writes && (SYSTEM.test(path) || dirname(dirname(path)) === folder)
  }
  // Of a file that is open.
  if (/^(statx|newfstatat)\(\d+, ""/.test(call)) return true
  if (/^(clone|clone3)\(/.test(call)) return call.includes('CLONE_THREAD')
  return /^(exit\(0\)|<\.\.\. (clone3?|exit|statx|newfstatat|openat) resumed>|\+\+\+ exited with 0 \+\+\+)/.test(
    call,
  )
}

test.run()
