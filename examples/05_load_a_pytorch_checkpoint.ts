/**
 * A checkpoint of PyTorch: what is in it, without running anything of it; a model made of it, and a classifier for larger
 * images; and the way back. Without a file it takes one as the original's release has it, of random weights.
 *
 *   node dist/examples/05_load_a_pytorch_checkpoint.js
 *   node dist/examples/05_load_a_pytorch_checkpoint.js beit_base_patch16_224_pt22k.pth
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  BeitForImageClassification,
  BeitForMaskedImageModeling,
  openCheckpoint,
  writeCheckpoint,
} from 'beit-torch'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string', default: 'runs/checkpoints' } },
})
await mkdir(flags.output, { recursive: true })
const path = positionals[0] ?? (await releasedFile(join(flags.output, 'beit_tiny_patch16_224.pth')))

// 1. What the file holds. Only its structure is read; classes and functions in it are names.
const file = await openCheckpoint(path)
console.log(file)
console.log('one of them', file.tensors.get('patch_embed.proj.weight'))

// 2. A model of it. Which one, and its configuration, follow from names and shapes; the report says what was done.
using model = await BeitForMaskedImageModeling.load(path)
console.log(`\n${model.loadReport?.lines.join('\n')}`)

// 3. The same weights as a classifier of 10 classes, for larger images: positions are interpolated, the head is new.
const { patchSize, imageSize } = model.config
const larger = imageSize.map((side) => side + 8 * patchSize) as [number, number]
using classifier = await BeitForImageClassification.load(path, { numClasses: 10, imageSize: larger, seed: 0 })
console.log(`\n${classifier.loadReport?.lines.join('\n')}`)

// 4. Back: transformers' from_pretrained(folder) reads this, with its config.json.
await classifier.save(join(flags.output, 'model.safetensors'), { naming: 'transformers' })
console.log(`\nwritten ${join(flags.output, 'model.safetensors')} with transformers' names`)

/** A file as the original's release has it: the weights under 'model', and what else a training keeps. */
async function releasedFile(name: string): Promise<string> {
  using random = await BeitForMaskedImageModeling.create('beit_tiny_patch16_224', { seed: 0 })
  await writeCheckpoint(name, await random.stateDict(), { data: { epoch: 799 } })
  return name
}
