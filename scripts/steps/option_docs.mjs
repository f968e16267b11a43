// The comments that editors show of an option are the texts of its table, which the command line shows too.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './run.mjs'

/** Interfaces of settings: [file without .ts, interface, table, module of the table where it is another]. */
const TABLES = [
  ['train/run_options', 'RunSettings', 'pretrainSchema', 'train/pretrain_options'],
  ['train/run_options', 'SamplesSettings', 'pretrainSchema', 'train/pretrain_options'],
  ['train/crop_options', 'CropSettings', 'pretrainSchema', 'train/pretrain_options'],
  ['train/pretrain_options', 'PretrainSettings', 'pretrainSchema'],
  ['train/finetune_options', 'FinetuneSettings', 'finetuneSchema'],
  ['train/tokenizer_options', 'TokenizerSettings', 'tokenizerSchema'],
  ['evaluate/evaluate_options', 'EvaluateSettings', 'evaluateSchema'],
  ['evaluate/inference_options', 'InferenceSettings', 'evaluateSchema', 'evaluate/evaluate_options'],
  ['evaluate/preprocessing_options', 'PreprocessingSettings', 'preprocessingSchema'],
  ['evaluate/features/feature_options', 'FeatureSettings', 'featureSchema'],
  ['evaluate/probe_options', 'ProbeSettings', 'knnProbeSchema'],
  ['evaluate/probe_options', 'LinearProbeSettings', 'linearProbeSchema'],
  ['evaluate/probe_options', 'KnnProbeSettings', 'knnProbeSchema'],
  ['models/predict', 'PredictSettings', 'predictSchema'],
  ['visualize/attention', 'AttentionSettings', 'attentionSchema'],
  ['visualize/codebook', 'CodebookSettings', 'codebookSchema'],
  ['visualize/masks', 'MasksSettings', 'masksSchema'],
  ['visualize/reconstruct', 'ReconstructSettings', 'reconstructSchema'],
]

/** Tables that several calls fill with defaults of their own: no default stands in their comments. */
const SHARED = new Set([
  'RunSettings',
  'SamplesSettings',
  'CropSettings',
  'InferenceSettings',
  'ProbeSettings',
])

const WIDTH = 110

/** @returns {Promise<string[] | null>} what differs, put right with `write`; null where nothing is built */
export async function optionDocs(write) {
  const problems = []
  for (const [file, name, table, home = file] of TABLES) {
    const compiled = join(root, 'dist', 'lib', `${home}.js`)
    if (!existsSync(compiled)) return null
    const schema = (await import(pathToFileURL(compiled).href))[table]
    const path = join(root, 'lib', `${file}.ts`)
    const source = readFileSync(path, 'utf8')
    const documented = withDocs(source, name, schema)
    if (documented === source) continue
    if (write) writeFileSync(path, documented)
    else
      problems.push(
        `${path}: the comments of ${name} are not the texts of ${table}; npm run format copies them`,
      )
  }
  return problems
}

/** The members of the interface `name`, each below its text. */
function withDocs(source, name, schema) {
  const interfaceOf = new RegExp(`(interface ${name}\\b[^{]*\\{\\n)(.*?)(^\\})`, 'ms')
  return source.replace(interfaceOf, (_, head, body, end) => {
    const members = body.replace(/^ {2}\/\*\*.*?\*\/\n/gms, '')
    const documented = members.replace(/^ {2}(\w+)\??:/gm, (member, option) => {
      const spec = schema[option]
      return spec === undefined ? member : `${comment(text(spec, SHARED.has(name)))}${member}`
    })
    return head + documented + end
  })
}

function text({ doc, default: value }, isShared) {
  const first = doc[0].toUpperCase() + doc.slice(1)
  if (isShared || value === undefined || value === null) return `${first}.`
  const shown = Array.isArray(value) ? `[${value.map(short).join(', ')}]` : short(value)
  return `${first}. Default ${shown}.`
}

const short = (value) =>
  typeof value === 'number' ? String(Number(value.toPrecision(4))) : JSON.stringify(value)

function comment(words) {
  const line = `  /** ${words} */\n`
  if (line.length <= WIDTH) return line
  const lines = ['']
  for (const word of words.split(' ')) {
    if (lines.at(-1).length + 1 + word.length > WIDTH - 5) lines.push('')
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`
  }
  return `  /**\n${lines.map((each) => `   * ${each}\n`).join('')}   */\n`
}
