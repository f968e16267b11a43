/**
 * From weights to a classifier, on images made from nothing: probe what a model knows before it has seen a label,
 * fine-tune it, evaluate it, ask it about single images. About a minute on 2 cores. It begins with the model that
 * `npm start` has pre-trained where there is one, else with random weights. Stopped and run again, it goes on.
 *
 *   node dist/examples/04_finetune.js                       all of it, into runs/finetune
 *   node dist/examples/04_finetune.js --fresh               once more from the beginning
 *   node dist/examples/04_finetune.js --quick               a few steps only, to see that everything works
 *   node dist/examples/04_finetune.js --output runs/mine    another folder
 *   node dist/examples/04_finetune.js --pretrained runs/x   the run folder of another pre-training
 */
import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import {
  BeitForImageClassification,
  confusionTable,
  drawConfusion,
  evaluate,
  finetune,
  ImageFolder,
  knnProbe,
  labelled,
  METRICS_FILE,
  readMetrics,
  showProgress,
  trainingCurves,
  writeMetrics,
} from 'beit-torch'
import { makeImages } from './support/procedural_images.js'
import { stopOnCtrlC } from './support/stop_on_ctrl_c.js'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    output: { type: 'string' },
    pretrained: { type: 'string', default: 'runs/quickstart/beit' },
  },
})
const { quick } = flags
const output = flags.output ?? (quick ? 'runs/finetune-quick' : 'runs/finetune')
if (flags.fresh) await rm(output, { recursive: true, force: true })
const percent = (share: number | null) => (share === null ? '-' : `${(100 * share).toFixed(1)} %`)

// 1. Labelled images. Class folders are labels; the classes of the training images are those of all the others.
await makeImages(join(output, 'images', 'train'), { perClass: quick ? 6 : 30, seed: 10 })
await makeImages(join(output, 'images', 'validation'), { perClass: quick ? 4 : 20, seed: 11 })
const data = await labelled(await ImageFolder.open(join(output, 'images', 'train')))
const { classes } = data
const validation = await labelled(await ImageFolder.open(join(output, 'images', 'validation')), { classes })

// 2. A classifier: pre-trained weights with a new head, or a new model. It sees images as the pre-training did.
const begun = await newestWeights(flags.pretrained)
const preprocessing = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
const model =
  begun === null
    ? await BeitForImageClassification.create('beit_tiny_patch16_224', {
        ...{ imageSize: 64, patchSize: 8, labels: classes, preprocessing },
      })
    : await BeitForImageClassification.load(begun, { labels: classes, preprocessing })
console.log(begun === null ? 'random weights: nothing is pre-trained yet' : `pre-trained weights: ${begun}`)

// 3. What its features know of the classes before a label has trained them.
const { best: probed } = await knnProbe({ model, data, validation, neighbours: [5] })

// 4. Fine-tuning. What keeps long runs on large sets from overfitting would only slow so short a run on so few images.
const run = join(output, 'run')
const options = {
  model,
  data,
  validation,
  output: run,
  resume: 'auto',
  epochs: quick ? 2 : 10,
  batchSize: 16,
  learningRate: 1e-3,
  warmupEpochs: 1,
  ...(begun !== null && { layerDecay: 0.75 }), // of a new model all layers learn at one rate
  randAugment: null,
  colorJitter: [0, 0, 0],
  scale: [0.5, 1],
  mixup: 0,
  cutmix: 0,
  evaluateEveryEpochs: quick ? 1 : 5,
  saveEveryEpochs: quick ? 1 : 5,
} as const
let best = ''
for await (const event of showProgress(
  writeMetrics(stopOnCtrlC((signal) => finetune({ ...options, signal }))),
)) {
  if (event.type !== 'done') continue
  best = join(event.best?.checkpoint ?? event.checkpoint, 'model.safetensors')
  if (event.reason === 'stopped') {
    console.log('stopped and saved; run the same command again to go on')
    process.exit(130)
  }
}
await (await trainingCurves(await readMetrics(join(run, METRICS_FILE)))).save(join(run, 'curves.png'))

// 5. The best weights, evaluated, and asked about single images. Class names and preprocessing are in the file.
const classifier = await BeitForImageClassification.load(best)
const evaluation = await evaluate({ model: classifier, data: validation })
await (await drawConfusion(evaluation)).save(join(run, 'confusion.png'))
const samples = [0, Math.floor(validation.length / 2), validation.length - 1].map((i) => validation.sample(i))
const predictions = await classifier.predict(
  samples.map(({ path }) => path),
  { topK: 2 },
)

// 6. What came out.
console.log(`
${confusionTable(evaluation).join('\n')}

before     ${percent(probed.accuracy)} by the votes of ${probed.neighbours} neighbours, block ${probed.block}
fine-tuned ${percent(evaluation.accuracy)} of ${evaluation.images} images never seen are told right; a guess ${percent(1 / classes.length)}
${samples.map(({ key }, i) => `${key}  ${predictions[i]?.map(({ label, probability }) => `${label} ${percent(probability)}`).join('  ')}`).join('\n')}

look at    ${join(run, 'curves.png')}, ${join(run, 'confusion.png')}
model      ${relative('', best)}

With your own images: npx beit finetune --help, npx beit predict --model ${run} --data IMAGE`)

/** The newest checkpoint's weights of a pre-training that was run here. */
async function newestWeights(pretraining: string): Promise<string | null> {
  const events = await readMetrics(join(pretraining, METRICS_FILE)).catch(() => [])
  let newest: string | null = null
  for (const event of events) if (event.type === 'checkpoint') newest = event.path
  return newest && join(newest, 'model.safetensors')
}
