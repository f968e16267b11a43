/**
 * `npm run bench`: runs the parts of the benchmark and writes of each PART.json, PART.md and, where it is a curve,
 * PART.svg. With `--document` the tables also go into docs/performance.md and the curves into docs/images.
 *
 *     node dist/bench/performance/main.js [PART...] [--output DIR] [--device cpu] [--model PRESET] [--batch-size 8]
 *         [--rounds 5] [--attention sdpa] [--smoke] [--document]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../../test/support/paths.js'
import { intoDocument } from './document.js'
import { growth } from './growth.js'
import { loading } from './loading.js'
import { lossCurve } from './loss_curve.js'
import { machine } from './machine.js'
import { operations } from './operations.js'
import type { BenchOptions, Part } from './part.js'
import { pieces } from './pieces.js'
import { compiled, pretraining } from './pretraining.js'
import { published, SMOKE } from './sizes.js'

const PARTS: readonly Part<unknown>[] = [
  machine,
  pretraining,
  compiled,
  operations,
  pieces,
  loading,
  growth,
  lossCurve,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', default: join('runs', 'bench') },
    device: { type: 'string', default: 'cpu' },
    model: { type: 'string', default: 'beit_base_patch16_224' },
    'batch-size': { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    attention: { type: 'string', default: 'sdpa' },
    smoke: { type: 'boolean', default: false },
    document: { type: 'boolean', default: false },
  },
})
const names = PARTS.map(({ name }) => name)
const unknown = positionals.find((name) => !names.includes(name))
if (unknown !== undefined) throw new Error(`there is no part '${unknown}': ${names.join(', ')}`)
const options: BenchOptions = {
  size: values.smoke ? SMOKE : published(values.model, Number(values['batch-size'])),
  device: values.device,
  rounds: Number(values.rounds),
  attention: values.attention,
  report: (line) => console.log(`  ${line}`),
}

await mkdir(values.output, { recursive: true })
for (const part of PARTS) {
  const wanted = positionals.length > 0 ? positionals.includes(part.name) : !part.byNameOnly
  if (!wanted) continue
  const began = performance.now()
  console.log(`${part.name}:`)
  const result = await part.run(options)
  const markdown = part.markdown(result)
  await writeFile(join(values.output, `${part.name}.json`), `${JSON.stringify(result, null, 1)}\n`)
  await writeFile(join(values.output, `${part.name}.md`), `${markdown}\n`)
  const svg = part.draw?.(result)
  if (svg !== undefined) await writeFile(join(values.output, `${part.name}.svg`), svg)
  if (values.document) {
    await intoDocument(join(packageRoot, 'docs', 'performance.md'), part.name, markdown)
    if (svg !== undefined) {
      await writeFile(join(packageRoot, 'docs', 'images', `performance_${part.name}.svg`), svg)
    }
  }
  console.log(`\n${markdown}\n\n${part.name} took ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
}
