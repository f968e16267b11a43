/**
 * The whole story on images made from nothing: train a tokenizer, pre-train a small BEiT on its tokens, look at the
 * results. `npm start` runs this file; about 3 minutes on 2 cores. Stopped and run again, it goes on where it was.
 *
 *   npm start                       all of it, into runs/quickstart
 *   npm start -- --fresh            once more from the beginning
 *   npm start -- --quick            a few steps only, to see that everything works (20 seconds)
 *   npm start -- --output runs/mine another folder
 */
import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import {
  BeitForMaskedImageModeling,
  ConvDiscreteVae,
  codebookUse,
  countCodes,
  drawCodebook,
  ImageFolder,
  METRICS_FILE,
  pretrain,
  readMetrics,
  reconstructionSheet,
  sampleSheet,
  showProgress,
  trainingCurves,
  trainTokenizer,
  updateReport,
  writeMetrics,
  writeReport,
} from 'beit-torch'
import { makeImages } from './support/procedural_images.js'
import { stopOnCtrlC } from './support/stop_on_ctrl_c.js'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    output: { type: 'string' },
  },
})
const { quick } = flags
const output = flags.output ?? (quick ? 'runs/quickstart-quick' : 'runs/quickstart')
if (flags.fresh) await rm(output, { recursive: true, force: true })

// 1. Images, as anyone's would be: files in class folders. BEiT needs no labels; the folders are for people.
await makeImages(join(output, 'images', 'train'), { perClass: quick ? 12 : 100, seed: 0 })
await makeImages(join(output, 'images', 'validation'), { perClass: quick ? 3 : 20, seed: 1 })
const data = await ImageFolder.open(join(output, 'images', 'train'))
const validation = await ImageFolder.open(join(output, 'images', 'validation'))

// 2. A tokenizer: images of 64 pixels become 8 x 8 tokens, each one of 64 codes.
console.log('\n1 of 2: the tokenizer')
const tokenizerOutput = join(output, 'tokenizer')
const tokenizer = await ConvDiscreteVae.create({
  imageSize: 64,
  layers: 3,
  vocabSize: 64,
  codebookDim: 64,
  hiddenSize: 48,
  resBlocks: 0,
})
const tokenizerOptions = {
  model: tokenizer,
  data,
  validation,
  output: tokenizerOutput,
  resume: 'auto',
  epochs: quick ? 2 : 18,
  batchSize: 8,
  learningRate: 6e-3,
  // A gentle start, and an end far above the paper's 1/16: codes that harden early stay few.
  warmupSteps: quick ? 2 : 50,
  clipGradient: 1,
  temperatureEnd: 0.5,
  evaluateEveryEpochs: 3,
} as const
const tokenizerEvents = stopOnCtrlC((signal) => trainTokenizer({ ...tokenizerOptions, signal }))
for await (const event of showProgress(updateReport(writeMetrics(tokenizerEvents)))) {
  if (event.type === 'done' && event.reason === 'stopped') stop()
}
const counts = await countCodes({ tokenizer, data: validation, imageSize: 64 })
await saveCurves(tokenizerOutput)
await (await drawCodebook(counts)).save(join(tokenizerOutput, 'codebook.png'))
await (await reconstructionSheet({ tokenizer, data: validation, imageSize: 64 })).save(
  join(tokenizerOutput, 'reconstructions.png'),
)
await tokenizer.save(join(tokenizerOutput, 'tokenizer.safetensors'))
await writeReport(tokenizerOutput)

// 3. BEiT: hide blocks of patches, predict the tokens behind them. A patch of 8 pixels has one token.
console.log('\n2 of 2: BEiT')
const pretrainOutput = join(output, 'beit')
const model = await BeitForMaskedImageModeling.create('beit_tiny_patch16_224', {
  imageSize: 64,
  patchSize: 8,
  vocabSize: tokenizer.vocabSize,
})
const options = {
  model,
  tokenizer,
  data,
  validation,
  output: pretrainOutput,
  resume: 'auto',
  epochs: quick ? 2 : 12,
  batchSize: 16,
  learningRate: 1e-3,
  warmupEpochs: 1,
  // The original crops down to 8 % of a large photo and shifts its colours; these images are small.
  scale: [0.5, 1],
  colorJitter: [0, 0, 0],
} as const
let validated = { loss: 0, accuracy: 0, baselineAccuracy: 0 }
let checkpoint = ''
const events = stopOnCtrlC((signal) => pretrain({ ...options, signal }))
for await (const event of showProgress(updateReport(writeMetrics(events)))) {
  if (event.type === 'done') checkpoint = event.checkpoint
  if (event.type === 'done' && event.reason === 'stopped') stop()
}
for (const event of await readMetrics(join(pretrainOutput, METRICS_FILE))) {
  if (event.type === 'evaluation' && 'baselineAccuracy' in event) validated = event
}
await saveCurves(pretrainOutput)
await (await sampleSheet(options)).save(join(pretrainOutput, 'samples.png'))
await writeReport(pretrainOutput)

// 4. What came out.
const { used, perplexity } = codebookUse(counts)
const percent = (share: number) => `${(100 * share).toFixed(1)} %`
console.log(`
tokenizer: ${used} of ${tokenizer.vocabSize} codes used, perplexity ${perplexity.toFixed(1)}, ${percent(perplexity / tokenizer.vocabSize)} of the codebook
BEiT:      ${percent(validated.accuracy)} of the masked tokens of images never seen are predicted right;
           always answering the most frequent token gets ${percent(validated.baselineAccuracy)}, a guess ${percent(1 / tokenizer.vocabSize)}

look at    ${join(pretrainOutput, 'report.html')}             all of the run, in a browser
           ${join(pretrainOutput, 'samples.png')}             what the model sees in the gaps
           ${join(pretrainOutput, 'curves.png')}              loss and accuracy
           ${join(tokenizerOutput, 'reconstructions.png')}  what the tokens keep of an image
           ${join(tokenizerOutput, 'codebook.png')}         which codes are used
model      ${relative('', join(checkpoint, 'model.safetensors'))}
tokenizer  ${join(tokenizerOutput, 'tokenizer.safetensors')}

With your own images: npx beit tokenizer train --help, npx beit pretrain --help`)

async function saveCurves(run: string): Promise<void> {
  const picture = await trainingCurves(await readMetrics(join(run, METRICS_FILE)))
  await picture.save(join(run, 'curves.svg'))
  await picture.save(join(run, 'curves.png'))
}

function stop(): never {
  console.log('stopped and saved; run the same command again to go on')
  process.exit(130)
}
