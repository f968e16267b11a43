/** beit visualize masks: the masks that pre-training draws. */
import { openImages } from '../../data/open_images.js'
import { type MasksOptions, masks, masksSchema } from '../../visualize/masks.js'
import { type Command, EXIT } from '../command.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { PICTURE_FLAGS, writePicture } from '../picture_output.js'

const OPTIONS = omit(masksSchema, ['data'])

export const masksCommand: Command = {
  name: 'visualize masks',
  summary: 'Draws masks of pre-training, and how often each patch is hidden',
  usage: '--output FILE.png [flags]',
  groups: [
    {
      title: 'Input and output',
      flags: {
        ...PICTURE_FLAGS,
        data: { ...PATHS.data, optional: true, doc: 'Images to lay the masks on; unset: none' },
        ...pick(OPTIONS, ['grid', 'count', 'seed', 'epoch']),
      },
    },
    { title: 'Masks', flags: omit(OPTIONS, ['grid', 'count', 'seed', 'epoch']) },
  ],
  examples: [
    { what: 'the masks of a model of 224 pixels', line: 'beit visualize masks --output masks.png' },
    {
      what: 'smaller blocks on my own photos',
      line: 'beit visualize masks --data photos/ --min-mask-patches-per-block 4 --output masks.png',
    },
  ],
  async run({ values }) {
    const options: MasksOptions = pickValues(values, Object.keys(OPTIONS))
    await writePicture(values, async () => {
      return masks(
        values.data == null ? options : { ...options, data: await openImages(values.data as string) },
      )
    })
    return EXIT.ok
  },
}
