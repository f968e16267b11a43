/** Opens checkpoint files of whatever format, told by their first bytes, never by their name. */
import { invalidArgument } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { openFileSource } from './byte_source.js'
import { CheckpointFile, type Container } from './checkpoint_file.js'
import { readAll } from './read_all.js'
import { readContents } from './read_contents.js'
import type { PlainData } from './records.js'

/** What a checkpoint file holds, its weights read. */
export interface Checkpoint {
  /** What wrote the file: a safetensors library, or PyTorch. */
  readonly format: 'safetensors' | 'pytorch'
  /** How its tensors are kept. */
  readonly container: Container
  /** The weights, by name in the order of the file. They are the caller's to dispose. */
  readonly tensors: Map<string, Tensor>
  /** The key that the weights stood under: 'model', 'state_dict', ...; null: they are the whole file. */
  readonly picked: string | null
  /** Everything in the file, with records where tensors stand; the metadata of safetensors. */
  readonly data: PlainData
  /** The strings of a safetensors file's `__metadata__`, or under 'metadata' in a file of PyTorch; else empty. */
  readonly metadata: Readonly<Record<string, string>>
  /** What a user should know of how the file was taken. */
  readonly notes: readonly string[]
}

/**
 * Opens a checkpoint and reads its structure: names, shapes and dtypes of its tensors, and everything in it
 * that is no tensor. Takes files of torch.save (zip and legacy, state dicts, training checkpoints and whole
 * modules), bare pickles, safetensors, and the index of safetensors in several files. Nothing in a file is
 * ever run: classes and functions are names.
 *
 * @param options.pick the key of the weights, such as 'model_ema', or 'a.b' for a key within; without it
 * the first of model, state_dict, module, model_ema and weights, or the file itself
 * @throws BeitError ERR_FORMAT with the rule that the file breaks, ERR_IO when it cannot be read,
 * ERR_INVALID_ARGUMENT when there is nothing under `pick`.
 * @example
 * const file = await openCheckpoint('beit_base_patch16_224_pt22k.pth')
 * file.tensors.get('cls_token')?.shape // [1, 1, 768]
 * const [first] = await file.read([...file.tensors.values()].slice(0, 1))
 */
export async function openCheckpoint(path: string, options: { pick?: string } = {}): Promise<CheckpointFile> {
  const pick = checkOptions(path, options)
  const source = openFileSource(path)
  try {
    return new CheckpointFile(readContents(source, pick))
  } finally {
    source.close()
  }
}

/**
 * Opens a checkpoint and reads its weights.
 *
 * @param options.device where they go: 'cpu' (default), 'cuda' or 'cuda:N'
 * @param options.pick the key of the weights, as for `openCheckpoint`
 * @throws BeitError as `openCheckpoint` does, and ERR_FORMAT when a weight has a dtype that this library does
 * not have or a checksum is wrong.
 * @example
 * const { tensors, notes } = await readCheckpoint('checkpoint-799.pth')
 * await model.loadStateDict(tensors)
 */
export async function readCheckpoint(
  path: string,
  options: { device?: string; pick?: string } = {},
): Promise<Checkpoint> {
  const file = await openCheckpoint(path, { pick: options.pick })
  const tensors = await readAll(file, { device: options.device })
  const { format, container, picked, data, metadata, notes } = file
  return { format, container, tensors, picked, data, metadata, notes }
}

function checkOptions(path: unknown, { pick }: { pick?: unknown }): string | null {
  if (typeof path !== 'string') throw invalidArgument('path', 'a string', path)
  if (pick !== undefined && typeof pick !== 'string') throw invalidArgument('pick', 'a key of the file', pick)
  return pick ?? null
}
