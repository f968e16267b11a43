/** beit visualize attention: where the heads of a block look. */
import { type AttentionOptions, attention, attentionSchema } from '../../visualize/attention.js'
import { type Command, EXIT } from '../command.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { openImageOrImages } from '../open_image_or_images.js'
import { FROZEN_MODEL_FLAGS, openFrozenModel } from '../open_model.js'
import { PICTURE_FLAGS, writePicture } from '../picture_output.js'

const NAMES = ['layer', 'patch', 'showHeads', 'count', 'seed'] as const
const OF_FILE = ['model', 'pick'] as const

export const attentionCommand: Command = {
  name: 'visualize attention',
  summary: 'Draws where the heads of a model look',
  usage: '--model PATH --data PATH --output FILE.png [flags]',
  about:
    'A row is an image: first the mean over the heads, then each head. Brighter patches get more attention; each map is ' +
    'scaled by its own largest value.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        ...pick(FROZEN_MODEL_FLAGS, OF_FILE),
        data: { ...PATHS.data, doc: 'Images: a file, a folder, a .tar shard, or a pattern of shards' },
        ...PICTURE_FLAGS,
      },
    },
    { title: 'What to show', flags: { ...pick(attentionSchema, NAMES), device: PATHS.device } },
    {
      title: 'What the file does not tell of the model',
      flags: omit(FROZEN_MODEL_FLAGS, OF_FILE),
    },
  ],
  examples: [
    {
      what: 'from the class token, in the last block',
      line: 'beit visualize attention --model model.safetensors --data hen.jpg --output attention.png',
    },
    {
      what: 'from the patch in the middle, in block 5, two heads',
      line: 'beit visualize attention --model model.safetensors --data hen.jpg --layer 5 --patch 7,7 --show-heads 0,3 --output a.png',
    },
  ],
  async run(call) {
    const { values } = call
    await writePicture(values, async () => {
      const data = await openImageOrImages(values.data as string)
      using opened = await openFrozenModel(call)
      const options = pickValues(values, NAMES) as Omit<AttentionOptions, 'model' | 'data'>
      return await attention({ ...options, model: opened, data })
    })
    return EXIT.ok
  },
}
