/**
 * The addons of this installation: the one that was built here or, where none was, those that came prebuilt, one for
 * each minor version of libtorch, which promises binary compatibility within one only.
 *
 *   build/Release/          beit.node, libtorch.json, preload/preload.node; beit_cuda*.so where there was an nvcc
 *   prebuilds/linux-x64/    preload.glibc.node
 *     libtorch-2.13/        beit.node, libtorch.json, beit_cuda*.so
 *
 * node-gyp-build chooses the folder, by platform, processor and C library. Which flavour of a prebuilt one is loaded
 * follows from the libtorch that is found (binding.ts); one addon serves CPU and CUDA, and opens beit_cuda*.so beside it
 * where there is a GPU.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { packageRoot } from './installation.js'
import type { BuiltWith } from './libtorch.js'

export interface Addon {
  /** Holds beit.node. */
  folder: string
  prebuilt: boolean
  /** native/preload.c, compiled: opens libtorch before the addon is loaded. */
  preload: string
  /** The libtorch that it was built with. */
  libtorch: BuiltWith
}

/** Those that can be chosen from; none: nothing was built, and nothing came prebuilt for this platform. */
export function findAddons(): Addon[] {
  const { resolve } = createRequire(import.meta.url)('node-gyp-build') as { resolve(folder: string): string }
  let found: string
  try {
    found = resolve(packageRoot)
  } catch {
    return []
  }
  const folder = dirname(found)
  if (existsSync(join(folder, 'beit.node'))) {
    return addonsIn([folder], false, join(folder, 'preload', 'preload.node'))
  }
  return addonsIn(
    flavoursIn(folder).map((name) => join(folder, name)),
    true,
    found,
  )
}

/** Names of the flavours in a folder of prebuilds. */
export const flavoursIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith('libtorch-'))
    .sort()

/** Only what is whole: the note is the last file that a build writes. */
const addonsIn = (folders: string[], prebuilt: boolean, preload: string): Addon[] =>
  folders
    .filter((folder) => existsSync(join(folder, 'libtorch.json')))
    .map((folder) => ({
      ...{ folder, prebuilt, preload },
      libtorch: JSON.parse(readFileSync(join(folder, 'libtorch.json'), 'utf8')),
    }))
