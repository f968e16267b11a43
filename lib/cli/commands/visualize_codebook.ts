/** beit visualize codebook: which patches the codes of a tokenizer stand for. */
import { openImages } from '../../data/open_images.js'
import { codebook, codebookSchema } from '../../visualize/codebook.js'
import { type Command, EXIT } from '../command.js'
import { PATHS, pick, pickValues } from '../groups.js'
import { DECODER_FLAG, openTokenizer, TOKENIZER_FLAG } from '../open_tokenizer.js'
import { PICTURE_FLAGS, writePicture } from '../picture_output.js'

const NAMES = ['imageSize', 'codes', 'count', 'patches', 'images', 'seed', 'batchSize'] as const

export const codebookCommand: Command = {
  name: 'visualize codebook',
  summary: 'Draws which patches the codes of a tokenizer stand for, and how often each is used',
  usage: '--tokenizer FILE --data PATH --output FILE.png [flags]',
  about:
    'A row is a code, the most used first: its share of all tokens, what the decoder makes of it alone, and patches ' +
    'that became it.',
  groups: [
    {
      title: 'Input and output',
      flags: { tokenizer: TOKENIZER_FLAG, decoder: DECODER_FLAG, data: PATHS.data, ...PICTURE_FLAGS },
    },
    { title: 'What to show', flags: { ...pick(codebookSchema, NAMES), device: PATHS.device } },
  ],
  examples: [
    {
      what: 'the 16 codes used most',
      line: 'beit visualize codebook --tokenizer runs/tok --data photos/ --output codes.png',
    },
    {
      what: 'three codes of one',
      line: 'beit visualize codebook --tokenizer runs/tok --data photos/ --codes 3,17,20 --output codes.png',
    },
  ],
  async run({ values }) {
    await writePicture(values, async () => {
      const data = await openImages(values.data as string)
      using tokenizer = await openTokenizer(values, values.device as string | undefined)
      return await codebook({ ...pickValues(values, NAMES), tokenizer, data })
    })
    return EXIT.ok
  },
}
