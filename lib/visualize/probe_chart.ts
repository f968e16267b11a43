/** What probes tell of each block, as a picture: accuracy over the depth of the model. */
import type { KnnProbeResult } from '../evaluate/knn_probe.js'
import type { LinearProbeResult } from '../evaluate/linear_probe.js'
import { grouped } from '../log/format.js'
import { lineChart, type Panel, type Point, type Series } from './line_chart.js'
import { Picture } from './picture.js'
import type { Tone } from './theme.js'

/** What the chart needs of the results of a model: `beit probe --output` writes such. */
export interface ProbeResults {
  /** Of linear classifiers. */
  linear?: Pick<LinearProbeResult, 'layers' | 'images' | 'classes'>
  /** Of the votes of neighbours. */
  knn?: Pick<KnnProbeResult, 'scores' | 'images' | 'classes'>
}

/** Results that are one line: of one model, or of several seeds of it, whose mean is drawn over each of them. */
export interface ProbeLine {
  /** In the legend. */
  name: string
  /** Of one model; several are averaged. */
  results: readonly ProbeResults[]
}

const TONES: readonly Tone[] = ['evaluation', 'reference', 'training']

/**
 * Draws the accuracy of every block, in a panel for linear classifiers and one for the votes of nearest neighbours
 * (of their numbers the one that does best on the whole). Up to three lines, such as a pre-trained and a random
 * model.
 * @example
 * const linear = await linearProbe({ model, data: training, validation })
 * await (await probeChart([{ name: 'pre-trained', results: [{ linear }] }])).save('probe.svg')
 */
export async function probeChart(lines: readonly ProbeLine[]): Promise<Picture> {
  const panels = [
    panel('Linear classifiers: accuracy (%)', lines, ({ linear }) => linear && linearPoints(linear)),
    panel('Nearest neighbours: accuracy (%)', lines, ({ knn }) => knn && knnPoints(knn)),
  ].filter((one) => one.series.length > 0)
  const { svg, forRaster } = lineChart({
    title: 'Probes of a frozen model',
    subtitle: subtitle(lines),
    xLabel: 'block',
    panels,
  })
  return Picture.fromSvg(svg, forRaster)
}

function subtitle(lines: readonly ProbeLine[]): string {
  const results = lines[0]?.results[0]
  const any = results?.linear ?? results?.knn
  if (any === undefined) return ''
  const { images, classes } = any
  return (
    `${grouped(images.training)} labelled images, ${grouped(images.validation)} classified · ` +
    `${grouped(classes.length)} classes`
  )
}

function panel(
  title: string,
  lines: readonly ProbeLine[],
  pointsOf: (results: ProbeResults) => Point[] | undefined,
): Panel {
  const series = lines.flatMap(({ name, results }, i): Series[] => {
    const tone = TONES[i % TONES.length] as Tone
    const each = results.map(pointsOf).filter((points) => points !== undefined)
    if (each.length === 0) return []
    const single = each.map((points): Series => ({ name, points, tone, style: 'faint', unnamed: true }))
    return [...(each.length > 1 ? single : []), { name, points: means(each), tone, style: 'marked' }]
  })
  return { title, series, height: 220, low: 0 }
}

function linearPoints({ layers }: Pick<LinearProbeResult, 'layers'>): Point[] {
  return layers.map(({ block, accuracy }) => [block, 100 * accuracy])
}

function knnPoints({ scores }: Pick<KnnProbeResult, 'scores'>): Point[] {
  const sums = new Map<number, number>()
  for (const { neighbours, accuracy } of scores) {
    sums.set(neighbours, (sums.get(neighbours) ?? 0) + accuracy)
  }
  const [best] = [...sums].reduce((a, b) => (b[1] > a[1] ? b : a))
  return scores
    .filter(({ neighbours }) => neighbours === best)
    .map(({ block, accuracy }) => [block, 100 * accuracy])
}

/** Of the lines at each block of the first one. */
function means(lines: readonly (readonly Point[])[]): Point[] {
  return (lines[0] ?? []).map(([block]) => {
    const values = lines.flatMap((points) => points.filter(([x]) => x === block).map(([, y]) => y))
    return [block, values.reduce((sum, value) => sum + value, 0) / values.length]
  })
}
