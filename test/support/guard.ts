/**
 * Catches what reading a checkpoint has no business with: processes, the network, other code, and every file
 * but those it was told to read. Modules that were loaded before see it as well.
 */
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'
import vm from 'node:vm'
import workers from 'node:worker_threads'

type Functions = Record<string, unknown>

/** What was tried while the guard was up, and refused. */
export const violations: string[] = []

let readable: ((path: string) => boolean) | null = null

/** Runs `work`, which may read files that `isReadable` and nothing else. */
export async function guarded<T>(isReadable: (path: string) => boolean, work: () => Promise<T>): Promise<T> {
  readable = isReadable
  try {
    return await work()
  } finally {
    readable = null
  }
}

function refuse(what: string): never {
  violations.push(what)
  throw new Error(`the guard refuses ${what}`)
}

/** Replaces each function of `module` by one that asks `allows` first, while the guard is up. */
function guard(
  name: string,
  module: object,
  allows: (call: string, args: unknown[]) => boolean = () => false,
) {
  const functions = module as Functions
  for (const [call, original] of Object.entries(functions)) {
    if (typeof original !== 'function' || /^[A-Z]/.test(call)) continue
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      if (readable !== null && !allows(call, args)) refuse(`${name}.${call}(${String(args[0])})`)
      return Reflect.apply(original, this, args)
    }
    functions[call] = wrapped
  }
}

/** Opening an allowed file to read it, and what is done with a file that is open. */
function readsFile(call: string, [path, flags]: unknown[]): boolean {
  if (['readSync', 'read', 'closeSync', 'close', 'fstatSync', 'fstat'].includes(call)) return true
  const isOpen = call === 'openSync' || call === 'open'
  if (isOpen && typeof flags === 'number' && (flags & 3) !== fs.constants.O_RDONLY) return false
  if (isOpen && typeof flags === 'string' && flags !== 'r') return false
  const reads = isOpen || ['stat', 'statSync', 'lstat', 'lstatSync'].includes(call)
  return reads && typeof path === 'string' && readable?.(path) === true
}

guard('fs', fs, readsFile)
guard('fs.promises', fs.promises, readsFile)
guard('child_process', childProcess)
guard('net', net)
guard('net.Socket', net.Socket.prototype)
guard('dgram', dgram)
guard('dns', dns)
guard('http', http)
guard('https', https)
guard('tls', tls)
guard('vm', vm)
guard('Worker', workers.Worker.prototype)
guard('process', process, (call) => !['dlopen', 'binding', 'kill', 'exit', 'abort', 'chdir'].includes(call))
syncBuiltinESMExports()
