/** The flags of labelled images: where labels come from, and how many images of each class are taken. */
import { type LabelledImages, labelled } from '../data/labels.js'
import { openImages } from '../data/open_images.js'
import { balancedSubset } from '../data/subset.js'
import type { OptionSchema } from '../options.js'
import { PATHS } from './groups.js'

/** Of the images to learn from and of those to evaluate on. */
export const LABELLED_DATA_FLAGS = {
  data: PATHS.data,
  labels: {
    type: 'string',
    default: null,
    optional: true,
    doc: 'Labels of the images by name: JSON, JSON lines or CSV; unset: class folders, or .cls files of the shards',
  },
  imagesPerClass: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Learn from so many images of each class, chosen at random; unset: from all',
  },
  subsetSeed: { type: 'integer', min: 0, default: 0, doc: 'Of the choice of imagesPerClass' },
  validation: PATHS.validation,
  validationLabels: {
    type: 'string',
    default: null,
    optional: true,
    doc: 'Labels of the validation images, in the same forms',
  },
} as const satisfies OptionSchema

/**
 * What the flags name; the classes of the validation images are those of the others, by name.
 * @throws BeitError ERR_DATA as openImages, labelled and balancedSubset do
 */
export async function openLabelledData(
  values: Readonly<Record<string, unknown>>,
): Promise<{ data: LabelledImages; validation: LabelledImages | null }> {
  const open = async (path: unknown, labels: unknown, classes: readonly string[] | null) =>
    labelled(await openImages(path as string), { labels: labels as string | null | undefined, classes })
  const all = await open(values.data, values.labels, null)
  const validation =
    values.validation == null ? null : await open(values.validation, values.validationLabels, all.classes)
  const perClass = values.imagesPerClass as number | null | undefined
  const seed = values.subsetSeed as number | undefined
  const data = perClass == null ? all : await balancedSubset(all, { perClass, seed })
  return { data, validation }
}
