/** The pictures of a run folder on their way into a report: small, and each image once. */
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metadata } from 'sharp'
import { SAMPLES_FOLDER } from '../train/run_samples.js'
import { layoutOf, type SheetLayout } from '../visualize/sheet_layout.js'
import type { Picture, Sheet } from './report_data.js'

/** Sheets drawn while a run goes on, in its folder of samples. */
const SAMPLE = /^step-(\d+)\.png$/
/** Sheets that `beit pretrain` and `beit tokenizer train` draw at their end. */
const LAST_SHEETS = ['samples.png', 'reconstructions.png'] as const
/** Others, with their titles. Curves are drawn by the report itself. */
const PICTURES = { 'codebook.png': 'Use of the codebook', 'confusion.png': 'Confusion matrix' } as const

const MOST_SHEETS = 10
const MOST_COLUMNS = 8
/** Pixels: of an image of a sheet, and of a whole picture. */
const TILE = 192
const WIDTH = 1200
const QUALITY = 82

export interface Pictures {
  sheets: Sheet[]
  images: string[]
  pictures: Picture[]
}

/** Reads pictures, each once as long as its file does not change. */
export class PictureReader {
  readonly #folder: string
  readonly #cache = new Map<string, { version: string; content: Promise<unknown> }>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @param step of the run now, which is that of the sheets drawn at the end */
  async read(step: number): Promise<Pictures> {
    const sheets: Sheet[] = []
    const pictures: Picture[] = []
    const collected = new Collected()
    // What a killed run drew after the checkpoint that it went on from is not of this run until it is drawn again.
    const samples = (await this.#samples()).filter((sample) => sample.step <= step)
    for (const { path, step } of spread(samples, MOST_SHEETS)) {
      const found = await this.#once(path, readSheet)
      if (found !== null) sheets.push(collected.sheet(step, found))
    }
    for (const name of LAST_SHEETS) {
      if (sheets.at(-1)?.step === step) break
      const found = await this.#once(name, readSheet)
      if (found !== null) sheets.push(collected.sheet(step, found))
    }
    for (const [name, title] of Object.entries(PICTURES)) {
      const found = await this.#once(name, readPicture)
      if (found !== null) pictures.push({ title, ...found })
    }
    return { sheets, images: collected.images, pictures }
  }

  async #samples(): Promise<{ path: string; step: number }[]> {
    const names = await readdir(join(this.#folder, SAMPLES_FOLDER)).catch(() => [])
    return names
      .flatMap((name) => {
        const step = SAMPLE.exec(name)?.[1]
        return step === undefined ? [] : [{ path: join(SAMPLES_FOLDER, name), step: Number(step) }]
      })
      .sort((a, b) => a.step - b.step)
  }

  /** What `read` makes of a file; null where there is none, or none that can be read. */
  async #once<T>(name: string, read: (path: string) => Promise<T>): Promise<T | null> {
    const path = join(this.#folder, name)
    const status = await stat(path).catch(() => null)
    if (status === null) return null
    const version = `${status.mtimeMs} ${status.size}`
    let known = this.#cache.get(name)
    if (known?.version !== version) {
      // A picture that is damaged, or is being written, is left out: a report is no reason to fail.
      known = { version, content: read(path).catch(() => null) }
      this.#cache.set(name, known)
    }
    return known.content as Promise<T | null>
  }
}

/** Images of sheets by what they hold. */
class Collected {
  readonly images: string[] = []
  readonly #indices = new Map<string, number>()

  sheet(step: number, { layout, tiles }: CutSheet): Sheet {
    const { title, subtitle, footers } = layout
    const rows = layout.rows.map((name, r) => ({
      name,
      images: (tiles[r] ?? []).map((tile) => this.#index(tile)),
    }))
    return { step, title, subtitle, rows, footers: footers.slice(0, MOST_COLUMNS) }
  }

  #index({ hash, url }: Tile): number {
    const known = this.#indices.get(hash)
    if (known !== undefined) return known
    this.#indices.set(hash, this.images.push(url) - 1)
    return this.images.length - 1
  }
}

/** Up to `most` of `items`, the first and the last among them, at even distances. */
function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))] as T)
}

interface Tile {
  /** Of its pixels. */
  hash: string
  url: string
}

interface CutSheet {
  layout: SheetLayout
  /** By row, then by column. */
  tiles: Tile[][]
}

/** The images of a sheet, one by one; of a picture that does not tell where they are, the whole as one image. */
async function readSheet(path: string): Promise<CutSheet> {
  const picture = await open(path)
  const metadata = await picture.metadata()
  const layout = layoutOf(metadata) ?? wholePicture(metadata)
  const { cell, left, top, gap } = layout
  const columns = Math.min(layout.columns, MOST_COLUMNS)
  const limit = layout.columns === 1 ? WIDTH : TILE
  const tileAt = async (row: number, column: number): Promise<Tile> => {
    const place = { left: left + column * (cell.width + gap), top: top + row * (cell.height + gap), ...cell }
    const { data, info } = await picture
      .clone()
      .extract(place)
      .resize({ width: limit, height: limit, fit: 'inside', withoutEnlargement: true })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    const image = (await loadSharp())(data, { raw: { width, height, channels } }).webp({ quality: QUALITY })
    return { hash: createHash('sha256').update(data).digest('hex'), url: dataUrl(await image.toBuffer()) }
  }
  const tiles = layout.rows.map((_, row) =>
    Promise.all(Array.from({ length: columns }, (_, c) => tileAt(row, c))),
  )
  return { layout, tiles: await Promise.all(tiles) }
}

const wholePicture = ({ width, height }: Metadata): SheetLayout => ({
  title: '',
  subtitle: '',
  rows: [''],
  columns: 1,
  cell: { width, height },
  left: 0,
  top: 0,
  gap: 0,
  footers: [],
})

async function readPicture(path: string): Promise<Omit<Picture, 'title'>> {
  const { data, info } = await (await open(path))
    .resize({ width: WIDTH, withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true })
  return { image: dataUrl(data), width: info.width, height: info.height }
}

/** sharp takes a moment to load: not before there is a picture. */
const loadSharp = async () => (await import('sharp')).default
const open = async (path: string) => (await loadSharp())(path)

const dataUrl = (webp: Buffer) => `data:image/webp;base64,${webp.toString('base64')}`
