/** beit tokenizer reconstruct: images beside what the tokenizer keeps of them. */
import { openImages } from '../../data/open_images.js'
import { type Command, EXIT } from '../command.js'
import { PATHS } from '../groups.js'
import { imageSizeFlag, tokenizerImageSize } from '../image_size.js'
import { DECODER_FLAG, openTokenizer, TOKENIZER_FLAG } from '../open_tokenizer.js'
import { PICTURE_FLAGS, writePicture } from '../picture_output.js'

export const reconstructCommand: Command = {
  name: 'tokenizer reconstruct',
  summary: 'Draws images above what a tokenizer decodes from their tokens',
  usage: '--tokenizer FILE --data PATH --output FILE.png [flags]',
  groups: [
    {
      title: 'Input and output',
      flags: {
        tokenizer: TOKENIZER_FLAG,
        decoder: DECODER_FLAG,
        data: PATHS.data,
        ...PICTURE_FLAGS,
        imageSize: imageSizeFlag('that of its training, or 112'),
        count: { type: 'integer', default: 16, min: 1, max: 256, doc: 'Number of images' },
        seed: { type: 'integer', default: 0, min: 0, doc: 'Chooses the images' },
        device: PATHS.device,
      },
    },
  ],
  examples: [
    {
      what: 'how much of my photos does this tokenizer keep?',
      line: 'beit tokenizer reconstruct --tokenizer runs/tok --data photos/ --output kept.png --image-size 224',
    },
  ],
  async run({ values }) {
    await writePicture(values, async () => {
      const data = await openImages(values.data as string)
      using tokenizer = await openTokenizer(values, values.device as string | undefined)
      const { reconstructionSheet } = await import('../../visualize/tokenizer_sheets.js')
      return await reconstructionSheet({
        tokenizer,
        data,
        imageSize: tokenizerImageSize(values, tokenizer),
        count: values.count as number | undefined,
        seed: values.seed as number | undefined,
      })
    })
    return EXIT.ok
  },
}
