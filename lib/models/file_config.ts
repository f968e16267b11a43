/** The configuration that a file has of itself. */
import { BeitError } from '../errors.js'

/**
 * What `resolve` makes of it: where that refuses a value, the file is wrong, not an argument.
 * @throws BeitError ERR_FORMAT
 */
export function configOfFile<Config>(path: string, resolve: () => Config): Config {
  try {
    return resolve()
  } catch (cause) {
    const { message } = cause as Error
    throw new BeitError('ERR_FORMAT', `${path}: its configuration is none of this library: ${message}`, {
      cause,
    })
  }
}
