/** Files that a command writes when its work is done: looked at before it begins. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { streamFile } from '../checkpoint/atomic_file.js'
import { makeFolder } from '../checkpoint/make_folder.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { OptionSpec } from '../options.js'

/**
 * Makes the folders of the files that `flags` name, by the name of the flag; null and undefined are passed over.
 * @throws BeitError ERR_IO for a folder that cannot be made or written to, ERR_INVALID_ARGUMENT for what is there
 * and is no file
 */
export async function prepareOutputs(flags: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [flag, path] of Object.entries(flags)) {
    if (typeof path !== 'string') continue
    const folder = dirname(path)
    try {
      await makeFolder(folder)
      await access(folder, constants.W_OK)
    } catch (cause) {
      const { message } = cause as Error
      throw new BeitError('ERR_IO', `${flag} ${path}: cannot write in its folder: ${message}`, { cause })
    }
    const there = await stat(path).catch(() => null)
    if (there !== null && !there.isFile()) throw invalidArgument(flag, 'the path of a file', path)
  }
}

/** The flag of commands whose only product is a file. */
export const FORCE_FLAG: OptionSpec = {
  type: 'boolean',
  default: false,
  doc: 'Replace a file that is there',
}

/**
 * {@link prepareOutputs} for --output of a command that has {@link FORCE_FLAG}.
 * @throws BeitError ERR_OUTPUT_EXISTS for a file that is there, unless --force was given
 */
export async function prepareOutput(values: Readonly<Record<string, unknown>>): Promise<void> {
  await prepareOutputs({ '--output': values.output })
  if (values.force !== true) await refuseExisting(values.output as string)
}

/** Of a command that was not told to replace what is there. @throws BeitError ERR_OUTPUT_EXISTS */
export async function refuseExisting(path: string): Promise<void> {
  if ((await stat(path).catch(() => null)) === null) return
  throw new BeitError('ERR_OUTPUT_EXISTS', `${path} is there already; --force replaces it`)
}

/** Writes `result` at `path` as JSON, whole or not at all. @throws BeitError ERR_IO */
export async function writeJson(flag: string, path: string, result: unknown): Promise<void> {
  await streamFile(flag, path, (file) => file.writeFile(`${JSON.stringify(result, null, 2)}\n`))
}
