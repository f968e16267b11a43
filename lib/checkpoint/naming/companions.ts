/** What goes with the weights of a model: names of classes, whether they exclude another, how images are made. */
import type { ImagePreprocessing } from '../../data/preprocessing.js'
import { BeitError } from '../../errors.js'
import { isJsonObject, parseStrictJson } from '../strict_json.js'
import type { DescribedFile } from './describe.js'

/** As a file has them: the preprocessing may be a part, its values are checked by whoever uses it. */
export interface Companions {
  /** One a class, each different; null: none. */
  readonly labels: readonly string[] | null
  /** How its images are made, as far as the file says; null: not at all. */
  readonly preprocessing: Partial<ImagePreprocessing> | null
  /** Whether an image may be of several classes, each a probability by itself. */
  readonly multiLabel: boolean
}

export const NO_COMPANIONS: Companions = { labels: null, preprocessing: null, multiLabel: false }

/** Characters of either, far above the names of 21,841 classes. */
const MAX_TEXT = 8 * 1024 * 1024

/** The metadata that {@link ownCompanions} reads. */
export function companionsMetadata({
  labels,
  preprocessing,
  multiLabel,
}: Companions): Record<string, string> {
  return {
    ...(labels !== null && { labels: JSON.stringify(labels) }),
    ...(preprocessing !== null && { preprocessing: JSON.stringify(preprocessing) }),
    ...(multiLabel && { multiLabel: 'true' }),
  }
}

/**
 * What this library wrote into the metadata of a file.
 * @throws BeitError ERR_FORMAT when it is of another form, or too long
 */
export function ownCompanions({ path }: Pick<DescribedFile, 'path'>, metadata: object): Companions {
  const { labels, preprocessing, multiLabel } = metadata as Record<string, unknown>
  const read = (name: string, text: unknown, isRight: (value: unknown) => boolean, expected: string) => {
    if (typeof text !== 'string') return null
    const where = `${path}: the ${name} in its metadata`
    if (text.length > MAX_TEXT) {
      throw new BeitError(
        'ERR_FORMAT',
        `${where} has ${text.length} characters, over the limit of ${MAX_TEXT}`,
      )
    }
    const value = parse(where, text)
    if (!isRight(value)) throw new BeitError('ERR_FORMAT', `${where} is not ${expected}`)
    return value
  }
  const names = read('labels', labels, isNames, 'an array of names') as string[] | null
  return {
    labels: names && distinct(names),
    preprocessing: read('preprocessing', preprocessing, isJsonObject, 'an object') as object | null,
    multiLabel:
      read('multiLabel', multiLabel, (value) => typeof value === 'boolean', 'true or false') === true,
  }
}

function parse(where: string, text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (cause) {
    throw new BeitError('ERR_FORMAT', `${where} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Texts that are not empty. */
export const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')

/**
 * Each name once: a later one of the same name gets its id behind it, as in "crane (517)", since ImageNet has
 * two of them.
 */
export function distinct(names: readonly string[]): string[] {
  const seen = new Set<string>()
  return names.map((name, id) => {
    let own = name
    while (seen.has(own)) own = `${own} (${id})`
    seen.add(own)
    return own
  })
}

const cropInWords = (share: number | 'whole') => {
  if (share === 'whole') return 'the whole image'
  return share === 1 ? 'the middle of the image' : `the middle ${share} of the image`
}

/** All of it in words, for a report. */
export function companionsInWords({ labels, preprocessing, multiLabel }: Companions): string[] {
  const lines: string[] = []
  if (labels !== null) {
    const first = labels.slice(0, 3).join(', ')
    lines.push(`names of its ${labels.length} classes: ${first}${labels.length > 3 ? ', ...' : ''}`)
  }
  if (multiLabel) lines.push('an image may be of several of its classes')
  if (preprocessing !== null) {
    const { mean, std, interpolation, cropShare } = preprocessing
    const parts = [
      mean && `mean ${mean.join(' ')}`,
      std && `std ${std.join(' ')}`,
      interpolation,
      cropShare && cropInWords(cropShare),
    ]
    lines.push(`its images: ${parts.filter(Boolean).join(', ')}`)
  }
  return lines
}
