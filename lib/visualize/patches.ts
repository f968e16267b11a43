/** Marks on the patches of an image, as SVG. A mask is row-major over the patch grid, true where masked. */
import type { Size } from './sheet.js'
import { element, pathData } from './svg.js'

type Grid = readonly [rows: number, columns: number]

/** Covers the masked patches; thin lines keep them countable. */
export function coverMasked(mask: ArrayLike<boolean | number>, [rows, columns]: Grid, cell: Size): string {
  const [width, height] = [cell.width / columns, cell.height / rows]
  const attributes = { fill: '#8d969f', stroke: '#a9b1b9', 'stroke-width': 1 }
  let cover = ''
  for (let i = 0; i < rows * columns; i++) {
    if (!mask[i]) continue
    const [x, y] = [(i % columns) * width, Math.floor(i / columns) * height]
    cover += element('rect', { x, y, width, height, ...attributes })
  }
  return cover
}

/** A line around each masked area: white on dark, so that it shows on any image. */
export function outlineMasked(mask: ArrayLike<boolean | number>, [rows, columns]: Grid, cell: Size): string {
  const [width, height] = [cell.width / columns, cell.height / rows]
  const masked = (row: number, column: number) =>
    row >= 0 && row < rows && column >= 0 && column < columns && Boolean(mask[row * columns + column])
  let d = ''
  const edge = (fromX: number, fromY: number, toX: number, toY: number) => {
    d += pathData([
      [fromX * width, fromY * height],
      [toX * width, toY * height],
    ])
  }
  // Each side of a cell between a masked patch and one that is not, or the border, is one piece of the outline.
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!masked(row, column)) continue
      if (!masked(row - 1, column)) edge(column, row, column + 1, row)
      if (!masked(row + 1, column)) edge(column, row + 1, column + 1, row + 1)
      if (!masked(row, column - 1)) edge(column, row, column, row + 1)
      if (!masked(row, column + 1)) edge(column + 1, row, column + 1, row + 1)
    }
  }
  const line = { d, fill: 'none', 'stroke-linecap': 'square' }
  return (
    element('path', { ...line, stroke: '#1f2328', 'stroke-width': 3, 'stroke-opacity': 0.55 }) +
    element('path', { ...line, stroke: '#ffffff', 'stroke-width': 1.5 })
  )
}
