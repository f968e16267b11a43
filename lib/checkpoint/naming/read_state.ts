/** The tensors that a model needs of a file, under this library's names. */
import { BeitError } from '../../errors.js'
import type { Tensor } from '../../tensor.js'
import type { CheckpointFile } from '../checkpoint_file.js'
import type { TensorRecord } from '../records.js'
import { namesUsed, type Recipe, tensorsAfter } from './recipe.js'

/**
 * Reads what the recipe is made of, and nothing else of the file, and makes it.
 * @throws BeitError ERR_FORMAT when a weight is of a dtype that this library does not have, or the file is
 * damaged; ERR_CHECKPOINT_MISMATCH for parts that do not fit together; ERR_IO
 */
export async function readState(file: CheckpointFile, recipe: Recipe): Promise<Map<string, Tensor>> {
  const names = namesUsed(recipe)
  for (const name of names) {
    const reason = file.unreadable.get(name)?.reason
    if (reason !== undefined) throw new BeitError('ERR_FORMAT', `${file.path}: tensor '${name}': ${reason}`)
  }
  const tensors = await file.read(names.map((name) => file.tensors.get(name) as TensorRecord))
  return tensorsAfter(recipe, new Map(names.map((name, i) => [name, tensors[i] as Tensor])))
}
