/** What a path given to `beit info`, `verify` or `convert` leads to: a folder stands for what it holds. */
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { MANIFEST_FILE } from '../checkpoint/manifest.js'
import { MODEL_FILE, STATE_FILE } from '../checkpoint/run_checkpoint.js'
import { readSmallText } from '../checkpoint/small_text.js'
import { BeitError } from '../errors.js'
import { CHECKPOINTS_FOLDER, SETTINGS_FILE } from '../train/run_folder.js'

export interface Found {
  /** A file of weights, a checkpoint of a run of this library, or such a run. */
  kind: 'weights' | 'checkpoint' | 'run'
  path: string
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.safetensors', '.pth', '.pt', '.bin', '.pkl', '.ckpt'])
/** DeepSpeed: `latest` names the folder of the newest checkpoint. */
const DEEPSPEED = { pointer: 'latest', weights: 'mp_rank_00_model_states.pt' }
/** Bytes of the name in it. */
const MAX_POINTER = 4096

/**
 * @throws BeitError ERR_IO when there is nothing, ERR_FORMAT for a folder without weights, or with several files of
 * weights to choose from
 */
export async function findCheckpoint(path: string): Promise<Found> {
  if (!(await isFolder(path))) return { kind: 'weights', path }
  const names = (await readdir(path)).sort()
  if (names.includes(SETTINGS_FILE) || names.includes(CHECKPOINTS_FOLDER)) return { kind: 'run', path }
  if (names.includes(MANIFEST_FILE) || names.includes(STATE_FILE)) return { kind: 'checkpoint', path }
  if (names.includes(DEEPSPEED.weights)) return { kind: 'weights', path: join(path, DEEPSPEED.weights) }
  if (names.includes(DEEPSPEED.pointer)) {
    const newest = (readSmallText(join(path, DEEPSPEED.pointer), MAX_POINTER) ?? '').trim()
    if (names.includes(newest)) return findCheckpoint(join(path, newest))
  }
  return { kind: 'weights', path: join(path, theOneFile(path, names)) }
}

/**
 * The file of weights at `path`: of a checkpoint folder its model.
 * @throws BeitError as findCheckpoint does, and ERR_FORMAT for a run, which has several checkpoints
 */
export async function findWeights(path: string): Promise<string> {
  const found = await findCheckpoint(path)
  if (found.kind === 'weights') return found.path
  if (found.kind === 'checkpoint') return join(found.path, MODEL_FILE)
  const checkpoints = join(path, CHECKPOINTS_FOLDER)
  throw new BeitError('ERR_FORMAT', `${path} is a run: name one of its checkpoints, in ${checkpoints}`)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new BeitError('ERR_IO', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** An index goes before the files that it names, and what transformers writes before other names. */
function theOneFile(path: string, names: readonly string[]): string {
  const indices = names.filter((name) => name.endsWith('.safetensors.index.json'))
  const weights = names.filter((name) => EXTENSIONS.has(extname(name)))
  const preferred = [...indices, MODEL_FILE].find((name) => names.includes(name))
  const [only, ...others] = preferred === undefined ? weights : [preferred]
  if (only === undefined) {
    throw new BeitError(
      'ERR_FORMAT',
      `${path} holds no run (${SETTINGS_FILE}), no checkpoint and no file of weights ` +
        `(${[...EXTENSIONS].join(', ')}); ${whatElse(names)}`,
    )
  }
  if (others.length === 0) return only
  const listed = weights.slice(0, 6).join(', ')
  const more = weights.length > 6 ? `, and ${weights.length - 6} more` : ''
  throw new BeitError(
    'ERR_FORMAT',
    `${path} holds ${weights.length} files of weights, name one: ${listed}${more}`,
  )
}

function whatElse(names: readonly string[]): string {
  if (names.length === 0) return 'it is empty'
  const images = names.filter((name) => /\.(jpe?g|png|webp|bmp|tiff?|gif)$/i.test(name)).length
  if (images > 0) return `it holds ${images} images, as --data takes them`
  return `it holds ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', ...' : ''}`
}
