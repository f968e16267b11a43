/**
 * On a GPU: where `devices()` lists one, everything takes `device: 'cuda:0'`, and training `precision: 'bf16'`. Without one
 * this says why and does the same on the CPU.
 *
 *   node dist/examples/08_gpu.js
 */
import { BeitForMaskedImageModeling, devices, doctor, MaskedImageModeling, Tensor } from 'beit-torch'

// 1. What there is.
const found = await devices()
for (const { name, model, memoryBytes } of found) {
  console.log(`${name.padEnd(8)} ${model}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB`)
}
const device = found.find(({ name }) => name !== 'cpu')?.name ?? 'cpu'
if (device === 'cpu') {
  const { addon } = await doctor()
  console.log(`no GPU can be used: ${addon.loaded?.cudaProblem ?? addon.problem}; this runs on the CPU`)
}

// 2. A model there, and steps in bfloat16. Inputs may lie on the CPU: they are brought to the device.
using model = await BeitForMaskedImageModeling.create('beit_tiny_patch16_224', {
  vocabSize: 512,
  device,
  seed: 0,
})
using trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer({
  ...{ betas: [0.9, 0.98], eps: 1e-8, clipGradient: 3, precision: 'bf16', seed: 0 },
})
const images = 2
const batch = {
  pixels: Tensor.from(new Uint8Array(images * 3 * 224 * 224), [images, 3, 224, 224]),
  mask: Tensor.from(
    Uint8Array.from({ length: images * 196 }, (_, i) => Number(i % 3 === 0)),
    [images, 196],
    { dtype: 'bool' },
  ),
  tokens: Tensor.from(
    BigInt64Array.from({ length: images * 196 }, (_, i) => BigInt(i % 7)),
    [images, 196],
  ),
}
const settings = { learningRate: 1e-3, weightDecay: 0.05 }
const before = (await trainer.step([batch], settings)).loss

// 3. A step is begun before the one before it is read: nothing waits for the GPU but the last line.
const began = performance.now()
const steps = 3
const pending = []
for (let i = 0; i < steps; i++) pending.push(await trainer.beginStep([batch], settings))
const results = await Promise.all(pending.map((step) => step.result()))
const seconds = (performance.now() - began) / 1000
console.log(
  `${model.device}: loss ${before.toFixed(2)}, after ${steps} more steps ${results.at(-1)?.loss.toFixed(2)}`,
)
console.log(
  `${((steps * images) / seconds).toFixed(1)} images a second of a tiny model; npm run bench measures`,
)
