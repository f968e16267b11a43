/** What a model makes of masked images, as a sheet: the first thing to look at after a run. */
import { normalizationOf } from '../data/normalization.js'
import { percent } from '../log/format.js'
import { type OptionSpec, validateOptions } from '../options.js'
import { maskOf } from '../train/pretrain.js'
import { type PretrainOptions, type PretrainSettings, pretrainSchema } from '../train/pretrain_options.js'
import { maskedPredictions } from './masked_predictions.js'
import { coverMasked, outlineMasked } from './patches.js'
import type { Picture } from './picture.js'
import { drawSheet } from './sheet.js'

/** The options of `pretrain()` that decide what the model sees. */
const SEEN = [
  'maskMode',
  'maskPatches',
  'minMaskPatchesPerBlock',
  'maxMaskPatchesPerBlock',
  'minMaskAspect',
  'interpolation',
  'tokenInterpolation',
  'normalization',
  'mean',
  'std',
] as const

/** What was given to `pretrain()`, whole or in part. */
export type SampleSheetOptions = Pick<PretrainOptions, 'model' | 'tokenizer' | 'data'> &
  Partial<PretrainSettings>

/**
 * Draws a sheet of four rows: the original, the same with the masked patches covered, the target tokens decoded, and the
 * predicted tokens decoded. In the last row the model's tokens stand inside the white line; outside of it, where the
 * model saw the image, the target tokens do.
 *
 * @param options those of `pretrain()`; what is not given is as it is there. The images are those of `validation`, or
 * of `data` without it.
 * @param choice number of images, one a column, and the seed that chooses images and masks
 * @example
 * for await (const event of pretrain(options)) console.log(event.type)
 * const picture = await sampleSheet(options)
 * await picture.save('runs/first/samples.png')
 */
export async function sampleSheet(
  options: SampleSheetOptions,
  { count = 8, seed = 0 }: { count?: number; seed?: number } = {},
): Promise<Picture> {
  const { model, tokenizer } = options
  const settings = validateOptions<PretrainSettings>(
    'sampleSheet',
    Object.fromEntries(SEEN.map((name) => [name, pretrainSchema[name] as OptionSpec])),
    Object.fromEntries(SEEN.map((name) => [name, options[name]])),
  )
  const data = options.validation ?? options.data
  const { grid } = model
  const { originals, decoded, decodedMixed, maskOfImage, scores } = await maskedPredictions(
    { model, tokenizer, data },
    { ...settings, ...normalizationOf(settings), mask: maskOf(settings, grid) },
    { count, seed },
  )
  const right = scores.reduce((sum, one) => sum + one.right, 0)
  const masked = scores.reduce((sum, one) => sum + one.masked, 0)
  return drawSheet({
    title: 'Masked image modelling',
    subtitle: `${right} of ${masked} masked tokens right (${percent(right / masked)}) · images of ${data.name}`,
    rows: [
      { name: ['Original'], tiles: originals.map((image) => ({ image })) },
      {
        name: ['Masked'],
        tiles: originals.map((image, i) => ({
          image,
          overlay: (cell) => coverMasked(maskOfImage(i), grid, cell),
        })),
      },
      { name: ['Target tokens', 'decoded'], tiles: decoded.map((image) => ({ image })) },
      {
        name: ['Predicted tokens', 'inside the line'],
        tiles: decodedMixed.map((image, i) => ({
          image,
          overlay: (cell) => outlineMasked(maskOfImage(i), grid, cell),
        })),
      },
    ],
    footers: scores.map((one) => `${one.right} of ${one.masked} right`),
  })
}
