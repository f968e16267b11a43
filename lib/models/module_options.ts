/** Where and how a module is made: the options that every `create` and `load` takes. */
import { resolveDevice } from '../device.js'
import { type OptionSchema, validateOptions } from '../options.js'
import type { DType } from '../tensor.js'
import { FLOAT_DTYPES } from './arguments.js'

/** Options of every `create`. */
export interface ModuleOptions {
  /** 'cpu' (default), 'cuda' or 'cuda:N' */
  device?: string
  /** dtype of the parameters: 'float32' (default), 'float64', 'float16' or 'bfloat16'. */
  dtype?: DType
  /** Seed of the initial weights, which are the same on every device: an integer of at least 0, default 0. */
  seed?: number
}

/** Options of every `load`: weights come from the file, so there is no seed. */
export type LoadOptions = Omit<ModuleOptions, 'seed'>

const LOAD_SCHEMA: OptionSchema = {
  device: { type: 'string', doc: "'cpu', 'cuda' or 'cuda:N'", default: 'cpu' },
  dtype: { type: 'choice', doc: 'dtype of the parameters', choices: FLOAT_DTYPES, default: 'float32' },
}

const CREATE_SCHEMA: OptionSchema = {
  ...LOAD_SCHEMA,
  seed: {
    type: 'integer',
    doc: 'seed of the initial weights',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  },
}

/**
 * Splits what `create` was given into the options above, checked and complete, and the rest: the
 * configuration.
 * @throws BeitError ERR_DEVICE when the device is not there
 */
export async function takeModuleOptions<T extends object>(
  where: string,
  given: T & ModuleOptions,
): Promise<[Required<ModuleOptions>, Omit<T, keyof ModuleOptions>]> {
  const { device, dtype, seed, ...config } = given
  return [await onDevice(validateOptions(where, CREATE_SCHEMA, { device, dtype, seed })), config]
}

/**
 * The options of a `load`, checked and complete.
 * @throws BeitError ERR_DEVICE when the device is not there
 */
export async function checkLoadOptions(where: string, given: LoadOptions): Promise<Required<LoadOptions>> {
  return onDevice(validateOptions(where, LOAD_SCHEMA, given))
}

/** With the full name of the device, which is there. */
async function onDevice<T extends { device: string }>(options: T): Promise<T> {
  return { ...options, device: await resolveDevice(options.device) }
}
