/** Asserts on errors that promises reject with. */
import { instance, is, match } from 'uvu/assert'
import { BeitError, type BeitErrorCode } from '../../lib/errors.js'

/** Waits for a BeitError of this code whose message matches, and gives it. */
export async function rejects(
  work: Promise<unknown> | (() => unknown),
  code: BeitErrorCode,
  message: RegExp,
): Promise<BeitError> {
  let error: unknown
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (caught) {
    error = caught
  }
  if (error === undefined) throw new Error(`nothing was thrown, expected ${code} ${message}`)
  instance(error, BeitError)
  is((error as BeitError).code, code)
  match((error as BeitError).message, message)
  return error as BeitError
}

/**
 * Is the cause of an error a mistake in the program, even though it is told as one of a file? Node's own errors
 * of types have a code, such as that of text that is not UTF-8.
 */
export function isMistake(cause: unknown): boolean {
  const kinds = [TypeError, ReferenceError]
  return kinds.some((kind) => cause instanceof kind) && !('code' in (cause as Error))
}
