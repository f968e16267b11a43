/** Reads all of a checkpoint folder of a run and tells what is wrong with it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestProblems, unreadable } from './manifest.js'
import { STATE_FILE } from './run_checkpoint.js'
import { type Verification, verifyCheckpoint } from './verify_checkpoint.js'

/**
 * Compares every file with the manifest (size and SHA-256), verifies weights and trainer as checkpoint files,
 * and parses the state.
 *
 * @returns one verification: its problems, tensors and bytes are those of the whole folder
 * @throws BeitError ERR_IO when a file that is there cannot be read
 */
export async function verifyRunCheckpoint(
  folder: string,
  options: { finite?: boolean } = {},
): Promise<Omit<Verification, 'container'>> {
  const problems: string[] = []
  for await (const problem of manifestProblems(folder)) problems.push(problem.message)
  const names = await readdir(folder)
  // What is missing, the manifest has told.
  const present = (name: string) => names.includes(name)
  const parts: Verification[] = []
  for (const name of names.filter((name) => name.endsWith('.safetensors')).sort()) {
    parts.push(await verifyCheckpoint(join(folder, name), options))
  }
  const state = join(folder, STATE_FILE)
  if (present(STATE_FILE)) {
    await readFile(state, 'utf8')
      .then(JSON.parse)
      .catch((cause) => problems.push(unreadable(state, cause).message))
  }
  const sum = (count: (part: Verification) => number) => parts.reduce((total, part) => total + count(part), 0)
  return {
    path: folder,
    problems: [...problems, ...parts.flatMap((part) => part.problems)],
    tensors: sum(({ tensors }) => tensors),
    bytes: sum(({ bytes }) => bytes),
    // A digest of each file.
    checksums: names.length - 1,
  }
}
