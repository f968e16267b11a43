// Child processes and failures, for scripts that run before any package is installed: nothing but Node.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A failure that the message explains: printed without a stack. */
export class StepError extends Error {}

/**
 * Runs a program and gives its whole output and exit status (null when it was killed or cannot be started).
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options] `onLine` sees each line as
 * it comes
 * @returns {Promise<{ status: number | null, output: string }>}
 */
export function capture(command, args, { env = process.env, onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let partial = ''
    const take = (/** @type {string} */ chunk) => {
      output += chunk
      const lines = (partial + chunk).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) onLine?.(line)
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', (error) => resolve({ status: null, output: output + error.message }))
    child.on('close', (status) => {
      if (partial !== '') onLine?.(partial)
      resolve({ status, output })
    })
  })
}

/**
 * Like {@link capture}, but a StepError that says `what` failed, and with what output, unless it exits with
 * 0.
 */
export async function must(what, command, args, options) {
  const { status, output } = await capture(command, args, options)
  if (status !== 0) throw new StepError(`${what} failed.\n${output.trim()}`)
  return output
}

/** Before anything is downloaded or compiled into `folder`. */
export function mustBeWritable(folder, what) {
  try {
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new StepError(
      `${what} would go into ${folder}, which cannot be written to (${error.code}). Run the command as its owner, or ` +
        'name what is elsewhere: LIBTORCH is the folder of a libtorch, BEIT_PYTHON a Python that has torch.',
    )
  }
}

/** Runs the body of a script; its failure becomes a message and exit status 1. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    console.error(error instanceof StepError ? `\n${error.message}` : error)
    process.exitCode = 1
  }
}

/** Was this module started by `node FILE` rather than imported? */
export const isMain = (url) => process.argv[1] === fileURLToPath(url)

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`
