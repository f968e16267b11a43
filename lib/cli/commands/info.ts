/** beit info: what a file or folder is, without loading a tensor. */
import { stat } from 'node:fs/promises'
import { BeitError } from '../../errors.js'
import { type Command, EXIT } from '../command.js'
import { describeFolder } from '../info/run.js'
import { describeWeights } from '../info/weights.js'

export const infoCommand: Command = {
  name: 'info',
  summary: 'Tells what a file of weights, a checkpoint or a run folder holds',
  usage: 'PATH',
  about:
    'Reads headers only: tensors with dtype, shape and size, which model, its configuration, how far a run came.',
  argument: 'PATH',
  groups: [],
  examples: [
    { what: 'a file of weights', line: 'beit info beit.safetensors' },
    {
      what: 'a run: its settings, how far it came, which checkpoints are complete',
      line: 'beit info runs/first',
    },
    { what: 'one checkpoint', line: 'beit info runs/first/checkpoints/step-00000300' },
  ],
  async run({ argument }) {
    const path = argument as string
    const info = await stat(path).catch((cause) => {
      throw new BeitError('ERR_IO', `cannot read ${path}: ${cause.message}`, { cause })
    })
    console.log((info.isDirectory() ? await describeFolder(path) : await describeWeights(path)).join('\n'))
    return EXIT.ok
  },
}
