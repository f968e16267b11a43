/** Folders and shards of small images for the tests of the data pipeline. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encode, picture } from './pictures.js'
import { tar } from './tar.js'
import { temporary } from './temporary.js'

/**
 * `count` images as encoded files by name, sorted: every third one a PNG, so that both decoders have work.
 */
export async function imageFiles(count: number): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (let i = 0; i < count; i++) {
    const image = encode(picture(40 + (i % 7), 30 + (i % 5), i))
    const name = `${String(i).padStart(4, '0')}.${i % 3 === 0 ? 'png' : 'jpg'}`
    files.set(name, await (i % 3 === 0 ? image.png() : image.jpeg({ quality: 90 })).toBuffer())
  }
  return files
}

/** A folder with these files. */
export function folderOf(files: ReadonlyMap<string, Uint8Array>): string {
  const folder = temporary()
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
  return folder
}

/** A folder with the files in `shards` tar shards, in order. */
export function shardsOf(files: ReadonlyMap<string, Uint8Array>, shards: number): string {
  const folder = temporary()
  shardsInto(folder, files, shards, (i) => `${i}.tar`)
  return folder
}

/** Writes the files as `shards` tar shards, in order; train-00000.tar and so on unless told. */
export function shardsInto(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  shards: number,
  nameOf = (i: number) => `train-${String(i).padStart(5, '0')}.tar`,
): void {
  const entries = [...files].map(([name, data]) => ({ name, data }))
  const each = Math.ceil(entries.length / shards)
  for (let i = 0; i < shards; i++) {
    writeFileSync(join(folder, nameOf(i)), tar(entries.slice(i * each, (i + 1) * each)))
  }
}
