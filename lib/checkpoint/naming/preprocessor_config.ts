/** `preprocessor_config.json` of transformers, read and written: how images are made for a model. */
import type { ImagePreprocessing } from '../../data/preprocessing.js'
import { BeitError } from '../../errors.js'

export const PREPROCESSOR_FILE = 'preprocessor_config.json'

/** Pillow's numbers of filters. */
const FILTERS = { lanczos: 1, bilinear: 2, bicubic: 3 } as const

/**
 * What a preprocessor_config.json says in the terms of this library, and what it says that these cannot hold.
 * transformers resizes to a height and width, or to a shortest edge, and then may cut out the middle.
 *
 * @param path for messages
 * @throws BeitError ERR_FORMAT for values of another type
 */
export function readPreprocessorConfig(
  path: string,
  json: object,
): { preprocessing: Partial<ImagePreprocessing>; notes: string[] } {
  const given = json as Record<string, unknown>
  const refuse = (name: string, expected: string) =>
    new BeitError('ERR_FORMAT', `${path}: ${name} is ${JSON.stringify(given[name])}, expected ${expected}`)
  const triple = (name: string, otherwise: number) => {
    const value = given.do_normalize === false ? [otherwise, otherwise, otherwise] : given[name]
    if (value === undefined) return undefined
    const three = typeof value === 'number' ? [value, value, value] : value
    if (!Array.isArray(three) || three.length !== 3 || !three.every((x) => Number.isFinite(x))) {
      throw refuse(name, 'three numbers')
    }
    return three as [number, number, number]
  }
  const notes: string[] = []
  const interpolation = Object.entries(FILTERS).find(([, number]) => number === given.resample)?.[0]
  if (given.resample !== undefined && interpolation === undefined) {
    notes.push(
      `${path}: resample ${given.resample} is a filter that this library does not have; its default is taken`,
    )
  }
  const preprocessing = {
    mean: triple('image_mean', 0),
    std: triple('image_std', 1),
    interpolation: interpolation as ImagePreprocessing['interpolation'] | undefined,
    cropShare: cropShareOf(given, refuse, (note) => notes.push(`${path}: ${note}`)),
  }
  const known = Object.entries(preprocessing).filter(([, value]) => value !== undefined)
  return { preprocessing: Object.fromEntries(known), notes }
}

type Refuse = (name: string, expected: string) => BeitError

function cropShareOf(
  given: Record<string, unknown>,
  refuse: Refuse,
  note: (text: string) => void,
): number | 'whole' | undefined {
  const size = sidesOf(given, 'size', refuse)
  if (size === null || given.do_resize === false) return undefined
  if (!given.do_center_crop) return size.keepsShape ? 1 : 'whole'
  const crop = sidesOf(given, 'crop_size', refuse)
  if (crop === null) return undefined
  if (!size.keepsShape && crop.shorter < size.shorter) {
    note('transformers resizes to a fixed height and width before it cuts; here the image keeps its shape')
  }
  return Math.min(1, crop.shorter / size.shorter)
}

/** The shorter of the sides that a size says, in any of the forms that there have been. */
function sidesOf(
  given: Record<string, unknown>,
  name: string,
  refuse: Refuse,
): { shorter: number; keepsShape: boolean } | null {
  const value = given[name]
  if (value === undefined || value === null) return null
  const isSide = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) > 0
  if (isSide(value)) return { shorter: value, keepsShape: false }
  const { height, width, shortest_edge } = value as Record<string, unknown>
  if (isSide(shortest_edge)) return { shorter: shortest_edge, keepsShape: true }
  if (isSide(height) && isSide(width)) return { shorter: Math.min(height, width), keepsShape: false }
  throw refuse(name, 'an integer, { height, width } or { shortest_edge }')
}

/**
 * The text of a preprocessor_config.json: BEiT's own processor for whole images, CLIP's where the middle is
 * cut out, which alone resizes by the shortest edge.
 */
export function writePreprocessorConfig(
  { mean, std, interpolation, cropShare }: ImagePreprocessing,
  [height, width]: readonly [number, number],
): string {
  const isWhole = cropShare === 'whole'
  const config = {
    image_processor_type: isWhole ? 'BeitImageProcessor' : 'CLIPImageProcessor',
    do_resize: true,
    size: isWhole ? { height, width } : { shortest_edge: Math.round(Math.min(height, width) / cropShare) },
    resample: FILTERS[interpolation],
    do_center_crop: !isWhole,
    crop_size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    ...(isWhole ? { do_reduce_labels: false } : { do_convert_rgb: true }),
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
