/** beit info: what a file or folder is, without loading a tensor. */

import { print, printJson } from '../../log/printable.js'
import type { Call, Command } from '../command.js'
import { EXIT } from '../command.js'
import { findCheckpoint } from '../find_checkpoint.js'
import { PICK_FLAG } from '../groups.js'
import { reportCheckpoint, reportRun } from '../info/run_report.js'
import { checkpointLines, runLines } from '../info/run_text.js'
import { reportWeights, weightsToJson } from '../info/weights_report.js'
import { weightsLines } from '../info/weights_text.js'

export const infoCommand: Command = {
  name: 'info',
  summary: 'Tells what a file of weights, a checkpoint or a run folder holds',
  usage: 'PATH [flags]',
  about:
    'Reads structure only: format, tensors with dtype, shape and size, which model it is and its configuration, ' +
    'the training state beside the weights, how far a run came. Takes PyTorch files (zip, legacy, bare pickles), ' +
    'safetensors and their index, and folders with one of them, of this library, transformers or DeepSpeed. ' +
    'Nothing in a file is run.',
  arguments: ['PATH'],
  groups: [
    {
      title: 'Input and output',
      flags: { pick: PICK_FLAG, json: { type: 'boolean', default: false, doc: 'Print all of it as JSON' } },
    },
  ],
  examples: [
    { what: 'a checkpoint of PyTorch', line: 'beit info beit_base_patch16_224_pt22k.pth' },
    {
      what: 'its exponential moving average in place of the model',
      line: 'beit info checkpoint-799.pth --pick model_ema',
    },
    {
      what: 'a run: its settings, how far it came, which checkpoints are complete',
      line: 'beit info runs/first',
    },
    { what: 'one checkpoint', line: 'beit info runs/first/checkpoints/step-00000300' },
    { what: 'everything, for a script', line: 'beit info beit.safetensors --json' },
  ],
  async run({ arguments: [given], values }: Call) {
    const { kind, path } = await findCheckpoint(given as string)
    const asJson = values.json === true
    if (kind === 'run') {
      const report = await reportRun(path)
      if (asJson) printJson(report)
      else print(runLines(report))
    } else if (kind === 'checkpoint') {
      const report = await reportCheckpoint(path)
      if (asJson) printJson({ ...report, weights: weightsToJson(report.weights) })
      else print(checkpointLines(report))
    } else {
      const report = await reportWeights(path, values.pick as string | undefined)
      if (asJson) printJson(weightsToJson(report))
      else print(weightsLines(report))
    }
    return EXIT.ok
  },
}
