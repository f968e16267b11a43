/** A checkpoint that must hold a certain model. */
import { BeitError } from '../../errors.js'
import type { CheckpointFile } from '../checkpoint_file.js'
import { type DescribedFile, type Description, describeCheckpoint } from './describe.js'
import type { ModelIdentity } from './identify.js'
import type { KnownArchitecture } from './infer_config.js'
import { modelInWords } from './report.js'

/** How many names of a file a message lists. */
const LISTED = 4

/**
 * Describes a checkpoint whose model is one of `models`.
 * @throws BeitError ERR_FORMAT when its names are those of no known model, ERR_CHECKPOINT_MISMATCH when it
 * holds another, and as describeCheckpoint does
 */
export async function expectModel(
  file: DescribedFile & Pick<CheckpointFile, 'notes'>,
  models: readonly ModelIdentity[],
  known: KnownArchitecture = {},
): Promise<Description> {
  const expected = `expected a ${models.join(' or a ')}`
  const description = await describeCheckpoint(file, known)
  if (description === null) {
    const names = [...file.tensors.keys()]
    const listed = [...names.slice(0, LISTED), ...(names.length > LISTED ? ['...'] : [])]
    throw new BeitError(
      'ERR_FORMAT',
      `${file.path} holds no model that is known by its names, ${expected}. It has ${names.length} tensors` +
        (listed.length > 0 ? `: ${listed.join(', ')}` : '') +
        file.notes.map((note) => `; ${note}`).join(''),
    )
  }
  if (models.includes(description.identity.model)) return description
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${file.path} holds a ${modelInWords(description.identity)}, ${expected}`,
  )
}
