/**
 * Fine-tuning runs side by side: the validation accuracy of every epoch, the mean of a group over its runs, which
 * differ in their seed. Prints a table of the last epochs and draws the curves.
 *
 *     node dist/bench/compare_finetuning.js PICTURE NAME=RUN,RUN,... NAME=RUN,RUN,...
 */
import { join } from 'node:path'
import { METRICS_FILE, readMetrics } from 'beit-torch'
import { lineChart, type Point, type Series } from '../lib/visualize/line_chart.js'
import { Picture } from '../lib/visualize/picture.js'
import type { Tone } from '../lib/visualize/theme.js'
import { mean, sampleDeviation } from './statistics.js'

const USAGE = 'usage: node dist/bench/compare_finetuning.js PICTURE NAME=RUN,RUN,... [NAME=RUN,...]'
const TONES: readonly Tone[] = ['evaluation', 'reference', 'training']

const [picture, ...given] = process.argv.slice(2)
if (picture === undefined || given.length === 0 || given.length > TONES.length) throw new Error(USAGE)

/** Accuracy in percent after each epoch, counted from 1. */
async function accuracies(run: string): Promise<Point[]> {
  const points = (await readMetrics(join(run, METRICS_FILE))).flatMap((event): Point[] =>
    event.type === 'evaluation' && 'accuracy' in event && event.accuracy !== null
      ? [[event.epoch + 1, 100 * event.accuracy]]
      : [],
  )
  if (points.length === 0) throw new Error(`${run} has no evaluation: give --validation to beit finetune`)
  return points
}

const series: Series[] = []
console.log('| group | each run, last epoch (%) | mean | standard deviation |\n|---|---|---|---|')
for (const [i, group] of given.entries()) {
  const [name, list] = group.split('=')
  if (name === undefined || list === undefined) throw new Error(USAGE)
  const tone = TONES[i] as Tone
  const runs = await Promise.all(list.split(',').map(accuracies))
  // Of the epochs that every run evaluated.
  const average = (runs[0] as Point[]).flatMap(([epoch]): Point[] => {
    const there = runs.flatMap((run) => run.filter(([other]) => other === epoch))
    return there.length < runs.length ? [] : [[epoch, mean(there.map(([, accuracy]) => accuracy))]]
  })
  for (const points of runs) series.push({ name, points, tone, style: 'faint', unnamed: true })
  series.push({ name, points: average, tone, style: 'marked' })

  const last = runs.map((points) => (points.at(-1) as Point)[1])
  const spread = last.length > 1 ? sampleDeviation(last).toFixed(1) : ''
  console.log(
    `| ${name} | ${last.map((value) => value.toFixed(1)).join(', ')} | ${mean(last).toFixed(1)} | ${spread} |`,
  )
}

const { svg, forRaster } = lineChart({
  title: 'Fine-tuning: accuracy on images never trained on',
  subtitle: 'Mean over runs of different seeds, each of them behind it',
  xLabel: 'epoch',
  panels: [{ title: 'Validation accuracy (%)', series, height: 280, low: 0 }],
})
const drawn = await Picture.fromSvg(svg, forRaster)
await drawn.save(picture)
