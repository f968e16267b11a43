/** Writes a checkpoint in the format of its name: safetensors, or as torch.save does. */
import { extname } from 'node:path'
import { BeitError, invalidArgument } from '../errors.js'
import { checkNames } from '../options.js'
import type { Tensor } from '../tensor.js'
import { checkPath } from './atomic_file.js'
import { orderedDict, type PythonValue } from './pickle/python_values.js'
import { writeSafetensors } from './safetensors.js'
import { checkTensors } from './tensor_map.js'
import { writePth } from './torch/write_pth.js'

/** Formats that can be written. */
export type CheckpointFormat = 'safetensors' | 'pth'

const FORMATS: Record<string, CheckpointFormat> = {
  '.safetensors': 'safetensors',
  '.pth': 'pth',
  '.pt': 'pth',
  '.bin': 'pth',
}

/** How {@link writeCheckpoint} writes. */
export interface WriteCheckpointOptions {
  /** Default: by the extension, .safetensors, or .pth, .pt and .bin. */
  format?: CheckpointFormat
  /** Strings to keep with the tensors. A .pth file has them as a dict of its own, 'metadata'. */
  metadata?: Readonly<Record<string, string>>
  /** .pth alone: what the file holds beside 'model', by name: plain data, with Tensors anywhere in it. */
  data?: { readonly [name: string]: PythonValue }
}

/**
 * Writes `tensors` as one file, which is there whole or not at all. A .pth file is the bare state dict, an
 * OrderedDict, or with `data` or `metadata` a dict that has it under 'model', as the BEiT releases do.
 * PyTorch reads it by torch.load(path, weights_only=True); Tensors that share memory share it there too.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT for an extension that tells no format, or a value that it cannot
 * hold; ERR_IO when the file cannot be written: what was at `path` is still there then.
 * @example
 * await writeCheckpoint('beit.pth', await model.stateDict(), { data: { epoch: 19 } })
 */
export async function writeCheckpoint(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  options: WriteCheckpointOptions = {},
): Promise<void> {
  checkPath(path)
  checkNames('writeCheckpoint', ['format', 'metadata', 'data'], options)
  const { format = formatOf(path), metadata = {}, data } = options
  checkTensors(tensors, metadata)
  if (format === 'safetensors') {
    if (data !== undefined) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `${path}: safetensors holds tensors and strings alone: leave out data, or write a .pth file`,
      )
    }
    return writeSafetensors(path, tensors, metadata)
  }
  if (format !== 'pth') throw invalidArgument('format', "'safetensors' or 'pth'", format)
  const model = orderedDict(tensors)
  const hasMetadata = Object.keys(metadata).length > 0
  const bare = data === undefined && !hasMetadata
  return writePth(path, bare ? model : { model, ...(hasMetadata && { metadata }), ...data })
}

/**
 * The format of a file of this name.
 * @throws BeitError ERR_INVALID_ARGUMENT
 */
export function formatOf(path: string): CheckpointFormat {
  const format = FORMATS[extname(path).toLowerCase()]
  if (format !== undefined) return format
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `${path}: its extension tells no format: use ${Object.keys(FORMATS).join(', ')}, or give format`,
  )
}
