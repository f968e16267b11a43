/**
 * Probes of several models side by side, from the files that `beit probe --output` writes: the best block of each,
 * means over the seeds, and the accuracy of every block as a picture.
 *
 *     node dist/bench/compare_probes.js PICTURE NAME=FILE,FILE,... NAME=FILE,FILE,...
 */
import { readFile } from 'node:fs/promises'
import { type ProbeResults, probeChart } from 'beit-torch'
import { mean, sampleDeviation } from './statistics.js'

interface ProbeFile extends ProbeResults {
  linear?: NonNullable<ProbeResults['linear']> & { best: { block: number; accuracy: number } }
  knn?: NonNullable<ProbeResults['knn']> & { best: { block: number; accuracy: number } }
}

const [picture, ...given] = process.argv.slice(2)
if (picture === undefined || given.length === 0) {
  throw new Error('usage: node dist/bench/compare_probes.js PICTURE NAME=FILE,FILE,... [NAME=FILE,...]')
}
const lines = await Promise.all(
  given.map(async (group) => {
    const [name = '', files = ''] = group.split('=')
    const results = files
      .split(',')
      .map(async (file): Promise<ProbeFile> => JSON.parse(await readFile(file, 'utf8')))
    return { name, results: await Promise.all(results) }
  }),
)
console.log(
  '| model | probe | best block of each run, accuracy (%) | mean | standard deviation |\n|---|---|---|---|---|',
)
for (const { name, results } of lines) {
  for (const probe of ['linear', 'knn'] as const) {
    const best = results.flatMap((result) => result[probe]?.best ?? [])
    if (best.length === 0) continue
    const accuracies = best.map(({ accuracy }) => 100 * accuracy)
    const each = best.map(({ block, accuracy }) => `${block}: ${(100 * accuracy).toFixed(1)}`)
    const spread = best.length > 1 ? sampleDeviation(accuracies).toFixed(1) : ''
    console.log(`| ${name} | ${probe} | ${each.join(', ')} | ${mean(accuracies).toFixed(1)} | ${spread} |`)
  }
}
await (await probeChart(lines)).save(picture)
