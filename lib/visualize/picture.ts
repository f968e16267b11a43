/** What every drawing function returns: a picture in memory that can be saved. */
import { writeFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { type InspectOptionsStylized, inspect } from 'node:util'
import sharp from 'sharp'
import { makeFolder } from '../checkpoint/make_folder.js'
import { BeitError } from '../errors.js'
import { grouped } from '../grouped.js'
import { titled } from '../inspection.js'

/** Pixels of the PNG for each unit of the SVG: sharp on dense screens, and small enough for a web page. */
const PIXEL_RATIO = 2

/**
 * A finished picture. `svg` is null for sheets of photographs.
 *
 * @example
 * const picture = await visualize.masks({ grid: 4, count: 1 })
 * console.log(picture.width, picture.height)
 * await picture.save('mask.png')
 */
export class Picture {
  /** @internal Pictures are made by the drawing functions. */
  constructor(
    /** The PNG file's bytes. */
    readonly png: Buffer,
    /** Size of the PNG in pixels. */
    readonly width: number,
    /** In pixels. */
    readonly height: number,
    /** The SVG document, or null. */
    readonly svg: string | null = null,
  ) {}

  /** Draws `forRaster` with sharp; `svg` is the same drawing for browsers. */
  static async fromSvg(svg: string, forRaster: string): Promise<Picture> {
    const { data, info } = await sharp(Buffer.from(forRaster), { density: 72 * PIXEL_RATIO })
      .png({ compressionLevel: 9 })
      .toBuffer({ resolveWithObject: true })
    return new Picture(data, info.width, info.height, svg)
  }

  /**
   * Writes the picture; the extension of `path`, .png or .svg, says as what. Makes the folder.
   *
   * @example
   * const picture = await trainingCurves(await readMetrics('runs/first/metrics.jsonl'))
   * await picture.save('runs/first/curves.svg')
   * await picture.save('runs/first/curves.png')
   */
  async save(path: string): Promise<void> {
    await makeFolder(dirname(path))
    await writeFile(path, this.#bytes(path))
  }

  /** Its size, without its bytes. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const svg = this.svg === null ? [] : [`SVG of ${grouped(Buffer.byteLength(this.svg))} bytes`]
    const png = `PNG of ${grouped(this.png.length)} bytes`
    return titled('Picture', [`${this.width}x${this.height}`, png, ...svg], depth, options)
  }

  #bytes(path: string): Buffer | string {
    const extension = extname(path).toLowerCase()
    if (extension === '.png') return this.png
    if (extension === '.svg' && this.svg !== null) return this.svg
    const formats = this.svg === null ? '.png' : '.png or .svg'
    throw new BeitError('ERR_INVALID_ARGUMENT', `this picture can be saved as ${formats}, got ${path}`)
  }
}
