// Is what was built older than what it was built from? A stamp file beside the product holds what it was
// built with; its time is the moment the build began, so a file saved during the build counts as newer.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { root } from './run.mjs'

/**
 * Newest modification time (ms) of these files and folders; folders count too, so a deleted file is noticed.
 */
function newest(paths) {
  let time = 0
  for (const path of paths) {
    if (!existsSync(path)) continue
    const status = statSync(path)
    time = Math.max(time, status.mtimeMs)
    if (status.isDirectory()) time = Math.max(time, newest(readdirSync(path).map((name) => join(path, name))))
  }
  return time
}

/** @param {{ stamp: string, sources: string[], content?: string }} product paths in the project, or absolute */
export function isStale({ stamp, sources, content = '' }) {
  const file = resolve(root, stamp)
  if (!existsSync(file) || readFileSync(file, 'utf8') !== content) return true
  return newest(sources.map((path) => join(root, path))) > statSync(file).mtimeMs
}

/** Marks the product as built from what its sources were at `began` (Date.now() before the build). */
export function markBuilt({ stamp, content = '' }, began) {
  const file = resolve(root, stamp)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  utimesSync(file, began / 1000, began / 1000)
}
