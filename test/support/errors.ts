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
