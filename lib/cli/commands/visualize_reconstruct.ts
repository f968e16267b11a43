/** beit visualize reconstruct: masked patches filled in by a model. */
import { BeitForMaskedImageModeling } from '../../models/beit_for_masked_image_modeling.js'
import { reconstruct, reconstructSchema } from '../../visualize/reconstruct.js'
import { type Command, EXIT } from '../command.js'
import { findWeights } from '../find_checkpoint.js'
import { omit, PATHS, PICK_FLAG, pickValues } from '../groups.js'
import { openImageOrImages } from '../open_image_or_images.js'
import { DECODER_FLAG, openTokenizer, TOKENIZER_FLAG } from '../open_tokenizer.js'
import { PICTURE_FLAGS, writePicture } from '../picture_output.js'
import { tellLoaded } from '../tell.js'

const OPTIONS = omit(reconstructSchema, ['model', 'tokenizer', 'data'])

export const reconstructMaskedCommand: Command = {
  name: 'visualize reconstruct',
  summary: 'Draws images with their masked patches filled in by a model',
  usage: '--model PATH --tokenizer FILE --data PATH --output FILE.png [flags]',
  about:
    'The rows are the original, what the model saw, the patches that it predicts, and those of the right tokens: better ' +
    'than the last no model can be with this tokenizer.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        model: {
          type: 'string',
          default: null,
          placeholder: 'PATH',
          doc: 'A pre-trained model: a file of weights, or a run or checkpoint folder',
        },
        pick: PICK_FLAG,
        tokenizer: {
          ...TOKENIZER_FLAG,
          doc: `${TOKENIZER_FLAG.doc}; the one that the model was trained with`,
        },
        decoder: DECODER_FLAG,
        data: { ...PATHS.data, doc: 'Images: a file, a folder, a .tar shard, or a pattern of shards' },
        ...PICTURE_FLAGS,
      },
    },
    { title: 'What to show', flags: { ...OPTIONS, device: PATHS.device } },
  ],
  examples: [
    {
      what: 'what does my model see in the gaps?',
      line: 'beit visualize reconstruct --model runs/first --tokenizer runs/tok --data photos/ --output filled.png',
    },
  ],
  async run({ values }) {
    await writePicture(values, async () => {
      const device = values.device as string | undefined
      const pick = (values.pick as string | null | undefined) ?? undefined
      const data = await openImageOrImages(values.data as string)
      using tokenizer = await openTokenizer(values, device)
      const path = await findWeights(values.model as string)
      using model = await BeitForMaskedImageModeling.load(path, { pick, device })
      tellLoaded(model)
      return await reconstruct({ ...pickValues(values, Object.keys(OPTIONS)), model, tokenizer, data })
    })
    return EXIT.ok
  },
}
