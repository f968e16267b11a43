/**
 * The look of all pictures. Colours are classes of one stylesheet, so that an SVG follows the reader's light or dark
 * scheme; the first two tones stay apart for colour-blind readers.
 */
import { type Attributes, element } from './svg.js'

/** What a mark means, not which colour it is. */
export type Tone = 'training' | 'evaluation' | 'reference'

const LIGHT = {
  paper: '#ffffff',
  ink: '#1f2328',
  quiet: '#59636e',
  grid: '#e3e7ec',
  training: '#2b6cd4',
  evaluation: '#d4580e',
  reference: '#7a8490',
  dead: '#d4380d',
}

const DARK: typeof LIGHT = {
  paper: '#0f141a',
  ink: '#e6edf3',
  quiet: '#9aa5b1',
  grid: '#262d36',
  training: '#6ea8ff',
  evaluation: '#ffa05c',
  reference: '#8b96a3',
  dead: '#ff7a52',
}

/** Colours of raster sheets, which have one scheme. */
export const COLOURS = LIGHT

export const SCHEMES = { light: LIGHT, dark: DARK }

/** One for each of several runs; the first are those of training and evaluation. */
export const RUN_COLOURS = {
  light: ['#2b6cd4', '#d4580e', '#177a4c', '#9a3fc4', '#b0235f', '#0b7c90', '#80650a', '#59636e'],
  dark: ['#6ea8ff', '#ffa05c', '#5ccf8f', '#cf8bf0', '#ff86b3', '#5fd0e3', '#e3c34d', '#b4bfca'],
}

export const FONT = "font-family: 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

export interface Document {
  title: string
  body: string
  /** Adds the dark scheme; rasterisers do not know it. */
  dark?: boolean
  /** An opaque background, unless false. */
  paper?: boolean
}

/** A whole SVG document. */
export function svgDocument(width: number, height: number, { title, body, dark, paper }: Document): string {
  const style = rules(LIGHT) + (dark ? `@media (prefers-color-scheme: dark) {${rules(DARK)}}` : '')
  const attributes: Attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': title,
  }
  const background = paper === false ? '' : element('rect', { width, height, class: 'fill-paper' })
  return element('svg', attributes, element('style', {}, `text {${FONT}}${style}`), background, body)
}

function rules(colours: typeof LIGHT): string {
  return Object.entries(colours)
    .map(([name, colour]) => `.fill-${name} {fill: ${colour}} .line-${name} {stroke: ${colour}; fill: none}`)
    .join('')
}
