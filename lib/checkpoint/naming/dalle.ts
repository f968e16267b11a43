/**
 * The names of a DALL-E dVAE: those of the published modules (openai/DALL-E), one file for the encoder and one
 * for the decoder, `blocks.input.w`; this library's, `encoder.` and `decoder.` before them in one file; and
 * those of transformers' FlavaImageCodebook, which is the encoder alone.
 */
import type { Dropped, Recipe, Shapes } from './recipe.js'
import { wrapperPrefix } from './unilm.js'

/** What one of the original's names stands for. */
export type DallePart = 'encoder' | 'decoder'

const FLAVA_CODEBOOK = 'image_codebook.'
const isFlava = (name: string) => /(^|\.)blocks\.group_1\.group\./.test(name)

/** Is it a name of a DALL-E dVAE, in any naming? */
export const isDalleName = (name: string) => /(^|\.)blocks\.group_1\.(group\.)?block_1\./.test(name)

/** Are these the names of transformers' FLAVA? */
export const isFlavaNaming = (names: readonly string[]) => names.some(isFlava)

/** From any of the namings to this library's. */
export function fromDalle(shapes: Shapes): Recipe {
  const names = [...shapes.keys()]
  if (isFlavaNaming(names)) return fromFlava(names)
  const prefix = wrapperPrefix(names)
  const part = partOf(shapes, prefix)
  const pieces = names.map((source) => {
    const name = source.slice(prefix.length)
    return { name: name.startsWith('blocks.') ? `${part}.${name}` : name, from: [source] }
  })
  return { pieces, dropped: [] }
}

/** Encoder or decoder, where the names are the same: the encoder looks at the pixels of a 7x7 window. */
function partOf(shapes: Shapes, prefix: string): DallePart {
  const kernel = shapes.get(`${prefix}blocks.input.w`)?.[2]
  return kernel === 1 ? 'decoder' : 'encoder'
}

function fromFlava(names: readonly string[]): Recipe {
  const whole = names.some((name) => name.startsWith(FLAVA_CODEBOOK))
  const prefix = whole ? FLAVA_CODEBOOK : wrapperPrefix(names)
  const dropped: Dropped[] = []
  const pieces = names.flatMap((source) => {
    if (!source.startsWith(prefix)) {
      dropped.push({ name: source, reason: "not of FLAVA's image codebook" })
      return []
    }
    const name = source
      .slice(prefix.length)
      .replace(/(group_\d+)\.group\./, '$1.')
      .replace('.res_path.path.', '.res_path.')
      .replace(/\.weight$/, '.w')
      .replace(/\.bias$/, '.b')
    return [{ name: `encoder.${name}`, from: [source] }]
  })
  return { pieces, dropped }
}

/** To the names of transformers' FlavaImageCodebook, which has no decoder. */
export function toFlava(names: readonly string[]): Recipe {
  return onePart(names, 'encoder', (name) =>
    name
      .replace(/(group_\d+)\./, '$1.group.')
      .replace('.res_path.', '.res_path.path.')
      .replace(/\.w$/, '.weight')
      .replace(/\.b$/, '.bias'),
  )
}

/**
 * The text of a config.json for transformers' FlavaImageCodebook.
 * @param shapes of the tokenizer under this library's names
 */
export function writeFlavaConfig(shapes: Shapes): string {
  const outputs = (name: string) => shapes.get(`encoder.blocks.${name}.w`)?.[0]
  const blocks = [...shapes.keys()].filter((name) =>
    /^encoder\.blocks\.group_1\.block_\d+\.res_path\.conv_1\.w$/.test(name),
  )
  const config = {
    architectures: ['FlavaImageCodebook'],
    model_type: 'flava_image_codebook',
    num_groups: 4,
    input_channels: 3,
    num_blocks_per_group: blocks.length,
    hidden_size: outputs('input'),
    vocab_size: outputs('output.conv'),
    freeze: true,
  }
  return `${JSON.stringify(config, null, 2)}\n`
}

/** To the names that the original's module of one part has. */
export function toDallePart(names: readonly string[], part: DallePart): Recipe {
  return onePart(names, part, (name) => name)
}

function onePart(names: readonly string[], part: DallePart, rename: (name: string) => string): Recipe {
  const mine = names.filter((name) => name.startsWith(`${part}.`))
  return {
    pieces: mine.map((source) => ({ name: rename(source.slice(part.length + 1)), from: [source] })),
    dropped: names
      .filter((name) => !name.startsWith(`${part}.`))
      .map((name) => ({ name, reason: `not of the ${part}` })),
  }
}
