/** The `config.json` and other JSON files beside a checkpoint, as transformers keeps them. */
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BeitError } from '../../errors.js'
import { replaceFile } from '../atomic_file.js'
import { readSmallText } from '../small_text.js'
import { isJsonObject, parseStrictJson } from '../strict_json.js'

const NAME = 'config.json'
/** Larger than any: the names of 21,841 classes, twice, are 2 MB. */
const MAX_BYTES = 8 * 1024 * 1024

/** Where the configuration of the weights at `path` lies, if it has one. */
export const configPathOf = (path: string) => pathBeside(path, NAME)

/** Where the file `name` beside the weights at `path` lies. */
export const pathBeside = (path: string, name: string) => join(dirname(path), name)

/**
 * What the config.json beside `path` holds, or the file `name`; null where there is none.
 * @throws BeitError ERR_FORMAT when it is no JSON object or over 8 MiB, ERR_IO when it cannot be read
 */
export async function readConfigBeside(path: string, name: string = NAME): Promise<object | null> {
  const configPath = pathBeside(path, name)
  const text = readSmallText(configPath, MAX_BYTES)
  if (text === null) return null
  let config: unknown
  try {
    config = parseStrictJson(text)
  } catch (cause) {
    throw new BeitError('ERR_FORMAT', `${configPath} is not JSON: ${(cause as Error).message}`, { cause })
  }
  if (isJsonObject(config)) return config
  throw new BeitError('ERR_FORMAT', `${configPath} is not a JSON object`)
}

/**
 * Writes the config.json beside `path`, or the file `name`, whole or not at all.
 * @throws BeitError ERR_IO
 */
export async function writeConfigBeside(path: string, text: string, name: string = NAME): Promise<void> {
  await replaceFile(pathBeside(path, name), async (temporary) => {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  })
}
