/** beit tokenizer encode: the visual tokens of images, as lines of JSON. */
import { streamFile } from '../../checkpoint/atomic_file.js'
import { batchesInOrder } from '../../data/batches.js'
import { openImages } from '../../data/open_images.js'
import { evaluationViews } from '../../data/view_settings.js'
import { grouped } from '../../log/format.js'
import { encodeBatch } from '../../tokenizers/encode_batch.js'
import { pretrainSchema } from '../../train/pretrain_options.js'
import { type Command, EXIT } from '../command.js'
import { shown } from '../follow.js'
import { PATHS, pick } from '../groups.js'
import { imageSizeFlag, tokenizerImageSize } from '../image_size.js'
import { openTokenizer, TOKENIZER_FLAG } from '../open_tokenizer.js'
import { FORCE_FLAG, prepareOutput } from '../output_file.js'
import { tellLeftOut } from '../tell.js'

export const encodeCommand: Command = {
  name: 'tokenizer encode',
  summary: 'Writes the visual tokens of images as lines of JSON',
  usage: '--tokenizer FILE --data PATH --output FILE [flags]',
  about:
    'Each line is {"key": NAME, "label": CLASS or null, "tokens": [[...], ...]}, the tokens row by row, in the order of ' +
    'the images; the shorter side is resized and the middle cropped. Images that cannot be read are left out and named.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        tokenizer: TOKENIZER_FLAG,
        data: PATHS.data,
        output: { type: 'string', default: null, doc: 'The file to write' },
        force: FORCE_FLAG,
        imageSize: imageSizeFlag('that of its training, or 112'),
        batchSize: {
          type: 'integer',
          default: 32,
          min: 1,
          doc: 'Images that go through the tokenizer at once',
        },
        device: PATHS.device,
      },
    },
    { title: 'Loading', flags: pick(pretrainSchema, ['loaderThreads', 'maxBrokenShare', 'maxPixels']) },
  ],
  examples: [
    {
      what: 'tokens of a folder of photos, 14x14 of them an image',
      line: 'beit tokenizer encode --tokenizer dalle.safetensors --data photos/ --output tokens.jsonl --image-size 112',
    },
  ],
  async run({ values }) {
    await prepareOutput(values)
    const source = await openImages(values.data as string)
    using tokenizer = await openTokenizer(values, values.device as string | undefined)
    const imageSize = tokenizerImageSize(values, tokenizer)
    const [rows, columns] = tokenizer.gridSize(imageSize)
    const views = evaluationViews(
      { imageSize, tokenImageSize: null, maskGrid: null },
      { maxPixels: values.maxPixels as number | undefined },
    )
    const stream = batchesInOrder(source, views, {
      batchSize: (values.batchSize as number | undefined) ?? 32,
      loaderThreads: values.loaderThreads as number | null | undefined,
      maxBrokenShare: values.maxBrokenShare as number | undefined,
    })
    const output = values.output as string
    let count = 0
    try {
      await streamFile('--output', output, async (file) => {
        for await (const batch of stream) {
          using held = batch
          const tokens = await encodeBatch(tokenizer, held.pixels)
          const lines = held.indices.map((index, i) => {
            const { key, label } = source.sample(index)
            const grid = Array.from({ length: rows }, (_, row) =>
              Array.from({ length: columns }, (_, column) =>
                Number(tokens[(i * rows + row) * columns + column]),
              ),
            )
            return `${JSON.stringify({ key, label, tokens: grid })}\n`
          })
          await file.appendFile(lines.join(''))
          count += lines.length
        }
      })
    } finally {
      // Of a command that fails, too: they may be why.
      tellLeftOut(stream.broken)
    }
    console.log(`${grouped(count)} images of ${rows}x${columns} tokens: ${shown(output)}`)
    return EXIT.ok
  },
}
