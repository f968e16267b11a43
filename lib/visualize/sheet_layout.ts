/**
 * Where the images of a sheet lie. It stands in the PNG itself, as XMP, so that whoever has the picture can take its
 * images out again, as a report does.
 */
import type { Metadata } from 'sharp'
import { escapeText } from './svg.js'

export interface SheetLayout {
  title: string
  subtitle: string
  /** Names of the rows, top to bottom. */
  rows: string[]
  /** Images of each row. */
  columns: number
  /** Pixels of one image. */
  cell: { width: number; height: number }
  /** Place of the first image, and pixels between two. */
  left: number
  top: number
  gap: number
  /** A line below each column, or none. */
  footers: string[]
}

const OPEN = '<beit:sheet xmlns:beit="https://www.npmjs.com/package/beit-torch">'
const CLOSE = '</beit:sheet>'

export const layoutToXmp = (layout: SheetLayout) => `${OPEN}${escapeText(JSON.stringify(layout))}${CLOSE}`

/** The layout that stands in a picture; null where there is none that fits its size. */
export function layoutOf({
  xmp,
  width,
  height,
}: Pick<Metadata, 'xmp' | 'width' | 'height'>): SheetLayout | null {
  const text = xmp?.toString('utf8') ?? ''
  if (!text.startsWith(OPEN) || !text.endsWith(CLOSE)) return null
  const json = text
    .slice(OPEN.length, -CLOSE.length)
    .replaceAll('&quot;', '"')
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
  try {
    const layout: SheetLayout = JSON.parse(json)
    return fits(layout, width, height) ? layout : null
  } catch {
    return null
  }
}

function fits(
  { title, subtitle, rows, columns, cell, left, top, gap, footers }: SheetLayout,
  width: number,
  height: number,
) {
  const texts = [title, subtitle, ...rows, ...footers]
  const lengths = [columns, cell.width, cell.height, left, top, gap]
  return (
    texts.every((text) => typeof text === 'string') &&
    lengths.every((length) => Number.isSafeInteger(length) && length >= 0) &&
    rows.length > 0 &&
    columns > 0 &&
    left + columns * (cell.width + gap) - gap <= width &&
    top + rows.length * (cell.height + gap) - gap <= height
  )
}
