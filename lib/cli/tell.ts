/** What commands tell on standard error, so that results on standard output can be piped. */
import type { BrokenImage } from '../data/broken_images.js'
import { printable } from '../log/printable.js'
import type { Module } from '../models/module.js'

/** One line. */
export const tell = (line: string) => process.stderr.write(`${printable(line, Infinity)}\n`)

/** What was found in the file of a model, and what was changed of it. */
export function tellLoaded({ loadReport }: Pick<Module, 'loadReport'>): void {
  for (const line of loadReport?.lines ?? []) tell(line)
}

/** Images that could not be read. */
export function tellLeftOut(broken: readonly BrokenImage[]): void {
  for (const { key, path, message } of broken) tell(`left out: ${key} in ${path}: ${message}`)
}
