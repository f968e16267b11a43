/** Options of how a training image is cropped, coloured and flipped, which every kind of training has. */
import type { OptionSchema } from '../options.js'

/** What `cropSchema` describes. */
export interface CropSettings {
  /** Area of the random crop as a share of the image, from and to. */
  scale: readonly [number, number]
  /** Aspect ratio of the random crop, from and to. */
  ratio: readonly [number, number]
  /** Strength of the jitter of brightness, contrast and saturation; 0,0,0: none. */
  colorJitter: readonly [number, number, number]
  /** Of a horizontal flip. */
  flipProbability: number
  /** Resizing of the model's view. */
  interpolation: Interpolation
}

export const INTERPOLATIONS = ['bilinear', 'bicubic', 'lanczos'] as const
/** How an image is resized. */
export type Interpolation = (typeof INTERPOLATIONS)[number]

/**
 * Defaults that differ between the kinds of training are arguments.
 * @param resized what `interpolation` resizes, for the help
 */
export function cropSchema(
  defaults: Pick<CropSettings, 'scale' | 'ratio' | 'colorJitter'>,
  resized: string,
): OptionSchema {
  return {
    scale: {
      type: 'numbers',
      size: 2,
      min: 0,
      max: 1,
      default: defaults.scale,
      doc: 'Area of the random crop as a share of the image, from and to',
    },
    ratio: {
      type: 'numbers',
      size: 2,
      min: 0.01,
      max: 100,
      default: defaults.ratio,
      doc: 'Aspect ratio of the random crop, from and to',
    },
    colorJitter: {
      type: 'numbers',
      size: 3,
      min: 0,
      max: 1,
      default: defaults.colorJitter,
      doc: 'Strength of the jitter of brightness, contrast and saturation; 0,0,0: none',
    },
    flipProbability: { type: 'number', min: 0, max: 1, default: 0.5, doc: 'Of a horizontal flip' },
    interpolation: {
      type: 'choice',
      choices: INTERPOLATIONS,
      default: 'bicubic',
      doc: `Resizing of ${resized}`,
    },
  }
}
