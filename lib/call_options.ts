/** Options that long calls have in common. */
import type { OptionSpec } from './options.js'

/** `signal`: an AbortSignal, and what happens when it is aborted. */
export const signalOption = (doc: string): OptionSpec => ({
  type: 'object',
  check: (value) => value instanceof AbortSignal,
  expected: 'an AbortSignal',
  optional: true,
  doc,
})

/** `onProgress`: a function, and when it is called. */
export const progressOption = (doc: string): OptionSpec => ({
  type: 'object',
  check: (value) => typeof value === 'function',
  expected: 'a function',
  optional: true,
  doc,
})
