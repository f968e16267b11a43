/** Labelled rows of small images on one page. Knows nothing of models. */
import sharp from 'sharp'
import { Picture } from './picture.js'
import type { RgbImage } from './rgb_image.js'
import { layoutToXmp } from './sheet_layout.js'
import { element, label } from './svg.js'
import { COLOURS, svgDocument } from './theme.js'

/** An image in its cell, and the SVG to draw over it, in pixels of the cell. */
export interface Tile {
  image: RgbImage
  overlay?: (cell: Size) => string
}

export interface Row {
  /** Up to two short lines beside the row. */
  name: readonly string[]
  tiles: readonly Tile[]
  /** Lines on the right of the last tile. */
  beside?: readonly string[]
}

export interface Sheet {
  title: string
  subtitle: string
  rows: readonly Row[]
  /** A short line below each column. */
  footers?: readonly string[]
  /** Width of a cell in pixels, about: images larger than that are made smaller. Unset: at least {@link CELL}. */
  cell?: number
}

/** Cells are at least this many pixels wide unless the sheet says how wide. */
const CELL = 150
const LEFT = 190
const TOP = 92
const MARGIN = 24
const GAP = 8
const TEXT = { class: 'fill-quiet', 'font-size': 16 }
/** Of a line of text, in whole pixels: as wide as the widest of our fonts has it. */
const widthOf = (text: string) => Math.ceil(0.56 * TEXT['font-size'] * text.length)

/**
 * Draws the sheet. All tiles take cells of the same shape, that of the first. The picture tells where they are, see
 * sheet_layout.ts.
 */
export async function drawSheet(sheet: Sheet): Promise<Picture> {
  const first = (sheet.rows[0] as Row).tiles[0] as Tile
  const cell = cellSize(first.image, sheet.cell)
  const columns = Math.max(...sheet.rows.map((row) => row.tiles.length))
  const footer = sheet.footers === undefined ? 0 : 28
  const place = (row: number, column: number) => ({
    left: LEFT + column * (cell.width + GAP),
    top: TOP + row * (cell.height + GAP),
  })
  const besides = sheet.rows.flatMap(({ tiles, beside = [] }, r) =>
    beside.map((text, i) => {
      const { left, top } = place(r, tiles.length)
      return { text, x: left + 12, y: top + cell.height / 2 - 4 + 24 * i }
    }),
  )
  const width = Math.max(
    place(0, columns).left - GAP + MARGIN,
    ...[{ text: sheet.subtitle, x: MARGIN }, ...besides].map(({ text, x }) => x + widthOf(text) + MARGIN),
  )
  const height = TOP + sheet.rows.length * (cell.height + GAP) - GAP + footer + MARGIN

  const images = sheet.rows.flatMap((row, r) =>
    row.tiles.map(async ({ image }, c) => ({ input: await fit(image, cell), ...place(r, c) })),
  )
  const overlay = [
    label(MARGIN, 38, sheet.title, { class: 'fill-ink', 'font-size': 24, 'font-weight': 600 }),
    label(MARGIN, 66, sheet.subtitle, TEXT),
    ...sheet.rows.map((row, r) => rowName(row.name, place(r, 0).top + cell.height / 2)),
    ...besides.map(({ text, x, y }) => label(x, y, text, TEXT)),
    ...sheet.rows.flatMap((row, r) => row.tiles.map((tile, c) => placed(tile.overlay?.(cell), place(r, c)))),
    ...(sheet.footers ?? []).map((text, c) =>
      label(place(0, c).left + cell.width / 2, height - MARGIN, text, {
        class: 'fill-quiet',
        'font-size': 15,
        'text-anchor': 'middle',
      }),
    ),
  ].join('')
  const page = sharp({ create: { width, height, channels: 3, background: COLOURS.paper } })
  const svg = Buffer.from(svgDocument(width, height, { title: sheet.title, body: overlay, paper: false }))
  const layout = {
    title: sheet.title,
    subtitle: sheet.subtitle,
    rows: sheet.rows.map(({ name }) => name.join(' ')),
    columns,
    cell,
    left: LEFT,
    top: TOP,
    gap: GAP,
    footers: [...(sheet.footers ?? [])],
  }
  const png = await page
    .composite([...(await Promise.all(images)), { input: svg, left: 0, top: 0 }])
    .withXmp(layoutToXmp(layout))
    .png({ compressionLevel: 9 })
    .toBuffer()
  return new Picture(png, width, height)
}

export interface Size {
  width: number
  height: number
}

/** A whole multiple of the image, the smallest that is wide enough or that next to `wanted`: pixels stay squares. */
function cellSize({ width, height }: Size, wanted?: number): Size {
  if (wanted !== undefined && width > wanted)
    return { width: wanted, height: Math.max(1, Math.round((height * wanted) / width)) }
  const factor = Math.max(1, wanted === undefined ? Math.ceil(CELL / width) : Math.round(wanted / width))
  return { width: width * factor, height: height * factor }
}

/** Enlarged without smoothing where the cell is a whole multiple, so that pixels and patches can be told apart. */
async function fit({ rgb, width, height }: RgbImage, cell: Size): Promise<Buffer> {
  const whole = cell.width % width === 0 && cell.height % height === 0
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(cell.width, cell.height, { fit: 'fill', kernel: whole ? 'nearest' : 'lanczos3' })
    .png({ compressionLevel: 1 })
    .toBuffer()
}

function rowName(lines: readonly string[], middle: number): string {
  const baseline = middle + 6 - (lines.length - 1) * 11
  return lines
    .map((line, i) =>
      label(MARGIN, baseline + i * 22, line, {
        class: i === 0 ? 'fill-ink' : 'fill-quiet',
        'font-size': i === 0 ? 17 : 15,
      }),
    )
    .join('')
}

function placed(overlay: string | undefined, { left, top }: { left: number; top: number }): string {
  return overlay === undefined ? '' : element('g', { transform: `translate(${left} ${top})` }, overlay)
}
