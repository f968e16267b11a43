/** beit convert: a checkpoint under other names, in another format. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../../checkpoint/make_folder.js'
import { configPathOf, pathBeside } from '../../checkpoint/naming/config_file.js'
import { type ConvertOptions, convertCheckpoint } from '../../checkpoint/naming/convert.js'
import { NAMINGS, type Naming } from '../../checkpoint/naming/identify.js'
import { PREPROCESSOR_FILE } from '../../checkpoint/naming/preprocessor_config.js'
import { type CheckpointFormat, formatOf } from '../../checkpoint/write_checkpoint.js'
import { BeitError } from '../../errors.js'
import { print } from '../../log/printable.js'
import type { OptionSchema } from '../../options.js'
import { exportTrainingCheckpoint } from '../../train/torch_export.js'
import { type Call, type Command, EXIT } from '../command.js'
import { findWeights } from '../find_checkpoint.js'
import { PICK_FLAG } from '../groups.js'
import { withFlagNames } from '../help.js'
import { imageSizeFlag, imageSizeOf } from '../image_size.js'
import { refuseExisting } from '../output_file.js'

const OUTPUT: OptionSchema = {
  to: { type: 'choice', choices: NAMINGS, default: null, doc: 'Whose names the tensors get' },
  format: {
    type: 'choice',
    choices: ['safetensors', 'pth'],
    default: null,
    optional: true,
    doc: 'Unset: by the extension of OUT, .safetensors, or .pth, .pt and .bin; safetensors in a folder',
  },
  part: {
    type: 'choice',
    choices: ['encoder', 'decoder'],
    default: null,
    optional: true,
    doc: 'Of a DALL-E tokenizer: this part alone, under the names of its own file',
  },
  training: {
    type: 'boolean',
    default: false,
    doc: "Of a run or its checkpoint: with optimizer and epoch, for the original's script (--to unilm, .pth)",
  },
  force: { type: 'boolean', default: false, doc: 'Replace files that are there' },
}

const INPUT: OptionSchema = {
  pick: PICK_FLAG,
  imageSize: imageSizeFlag('as the file tells, which a rectangle may not'),
  heads: {
    type: 'integer',
    default: null,
    optional: true,
    min: 1,
    doc: 'Attention heads; unset: as the file tells, or 64 channels a head',
  },
  normEps: {
    type: 'number',
    default: null,
    optional: true,
    min: 0,
    doc: 'Epsilon of the layer norms; unset: as a configuration tells, or 1e-6',
  },
}

export const convertCommand: Command = {
  name: 'convert',
  summary: "Writes a checkpoint under the original's, timm's or transformers' names, as safetensors or .pth",
  usage: 'IN OUT --to unilm|timm|transformers [flags]',
  about:
    'IN is whatever `beit info` takes: BEiT models and tokenizers. OUT is a file, or a folder (a path that ends with /). ' +
    'Weights keep their bits and dtype; for transformers a config.json (and of a classifier preprocessor_config.json) is written beside them. Training state is ' +
    'carried over by --training alone.',
  arguments: ['IN', 'OUT'],
  groups: [
    { title: 'Output', flags: OUTPUT },
    { title: 'What the input does not tell', flags: INPUT },
  ],
  examples: [
    {
      what: 'a release of the original, for transformers: a folder for from_pretrained()',
      line: 'beit convert beit_base_patch16_224_pt22k.pth beit-base/ --to transformers',
    },
    {
      what: 'a classifier of transformers, for timm',
      line: 'beit convert beit-base-finetuned/ beit.pth --to timm',
    },
    {
      what: "a run's last checkpoint, for the original's scripts",
      line: 'beit convert runs/first/checkpoints/step-00000300 first.pth --to unilm',
    },
    {
      what: "a run, for the original's script to go on with",
      line: 'beit convert runs/first checkpoint-19.pth --to unilm --training',
    },
    {
      what: "DALL-E's encoder as FLAVA's image codebook",
      line: 'beit convert encoder.pkl codebook.safetensors --to transformers',
    },
  ],
  async run({ arguments: [input, output], values }: Call) {
    const naming = values.to as Naming
    if (values.training === true) return exportTraining(input as string, output as string, values)
    const from = await findWeights(input as string)
    const path = await outputFile(
      output as string,
      naming,
      values.format as CheckpointFormat | null | undefined,
    )
    if (values.force !== true) {
      const beside = [configPathOf(path), pathBeside(path, PREPROCESSOR_FILE)]
      const written = naming === 'transformers' ? [path, ...beside] : [path]
      for (const each of written) await refuseExisting(each)
    }
    await makeFolder(dirname(path)).catch((cause) => {
      throw new BeitError('ERR_IO', `cannot make the folder of ${path}: ${cause.message}`, { cause })
    })
    const report = await convertCheckpoint(from, path, optionsOf(values, naming))
    print(report.lines.map((line) => withFlagNames(line, INPUT)))
    return EXIT.ok
  },
}

/** A run as the training checkpoint that PyTorch goes on from. */
async function exportTraining(run: string, output: string, values: Call['values']): Promise<number> {
  if (values.to !== 'unilm' || (values.format ?? formatOf(output)) !== 'pth') {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      "--training writes the original's checkpoints: give --to unilm, and a .pth file",
    )
  }
  if (values.force !== true) await refuseExisting(output)
  const { step, epoch } = await exportTrainingCheckpoint(run, output)
  print([
    `${run}: model, optimizer and epoch after step ${step}; the last finished epoch is ${epoch}, from 0`,
    `wrote ${output}`,
  ])
  return EXIT.ok
}

function optionsOf(values: Call['values'], to: Naming): ConvertOptions {
  const { format, pick, part, heads, normEps } = values as Record<string, never>
  const given = { format, pick, part }
  const known = { imageSize: imageSizeOf(values), heads, normEps }
  return { to, ...defined(given), known: defined(known) }
}

function defined<T extends object>(options: T) {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** In a folder the file gets the name that transformers looks for. */
async function outputFile(
  output: string,
  naming: Naming,
  format: CheckpointFormat | null | undefined,
): Promise<string> {
  const isFolder = (await stat(output).catch(() => null))?.isDirectory() ?? /[/\\]$/.test(output)
  if (!isFolder) return output
  if (format !== 'pth') return join(output, 'model.safetensors')
  return join(output, naming === 'transformers' ? 'pytorch_model.bin' : 'model.pth')
}
