/** What a path given to `beit info`, `verify` or `convert` leads to: a folder stands for what it holds. */
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { MANIFEST_FILE } from '../checkpoint/manifest.js'
import { MODEL_FILE, STATE_FILE } from '../checkpoint/run_checkpoint.js'
import { readSmallText } from '../checkpoint/small_text.js'
import { BeitError } from '../errors.js'
import { bestWeights } from '../train/best_weights.js'
import { CHECKPOINTS_FOLDER, SETTINGS_FILE } from '../train/run_folder.js'

export interface Found {
  /** A file of weights, a checkpoint of a run of this library, or such a run. */
  kind: 'weights' | 'checkpoint' | 'run'
  path: string
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.safetensors', '.pth', '.pt', '.bin', '.pkl', '.ckpt'])
/** What transformers calls its weights: since 4.35, and before. Beside them lie an optimizer and arguments. */
const TRANSFORMERS = ['model.safetensors', 'pytorch_model.bin'] as const
/** DeepSpeed: `latest` names the folder of the newest checkpoint, in which each model-parallel rank has a file. */
const DEEPSPEED = { pointer: 'latest', weights: /^mp_rank_\d+_model_states\.pt$/ }
/** Bytes of the name in it. */
const MAX_POINTER = 4096

/**
 * @throws BeitError ERR_IO when there is nothing, ERR_FORMAT for a folder without weights, with several files of
 * weights to choose from, or with weights that are split over ranks
 */
export async function findCheckpoint(path: string): Promise<Found> {
  if (!(await isFolder(path))) return { kind: 'weights', path }
  const names = (await readdir(path)).sort()
  if (names.includes(SETTINGS_FILE) || names.includes(CHECKPOINTS_FOLDER)) return { kind: 'run', path }
  if (names.includes(MANIFEST_FILE) || names.includes(STATE_FILE)) return { kind: 'checkpoint', path }
  const [whole, ...slices] = names.filter((name) => DEEPSPEED.weights.test(name))
  if (slices.length > 0) throw splitOverRanks(path, slices.length + 1)
  if (whole !== undefined) return { kind: 'weights', path: join(path, whole) }
  if (names.includes(DEEPSPEED.pointer)) {
    const newest = (readSmallText(join(path, DEEPSPEED.pointer), MAX_POINTER) ?? '').trim()
    if (names.includes(newest)) return findCheckpoint(join(path, newest))
  }
  return { kind: 'weights', path: join(path, theOneFile(path, names)) }
}

/**
 * The file of weights at `path`: of a checkpoint folder its model, of a run what {@link bestWeights} chooses.
 * @throws BeitError as findCheckpoint does, and ERR_FORMAT for a run without a whole checkpoint
 */
export async function findWeights(path: string): Promise<string> {
  const found = await findCheckpoint(path)
  if (found.kind === 'weights') return found.path
  if (found.kind === 'checkpoint') return join(found.path, MODEL_FILE)
  const best = await bestWeights(path)
  if (best !== null) return best
  throw new BeitError('ERR_FORMAT', `${path} is a run that has no whole checkpoint yet`)
}

function splitOverRanks(path: string, ranks: number): BeitError {
  return new BeitError(
    'ERR_FORMAT',
    `${path} holds the slices of ${ranks} model-parallel ranks (mp_rank_*_model_states.pt), and each is a part of ` +
      'every tensor: merge them into one file with the tools of the program that wrote them',
  )
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
  const preferred = [...indices, ...TRANSFORMERS].find((name) => names.includes(name))
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
