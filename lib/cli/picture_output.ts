/** The flags --output and --force of commands that draw: a PNG file, whole or not at all. */
import { extname } from 'node:path'
import { streamFile } from '../checkpoint/atomic_file.js'
import { invalidArgument } from '../errors.js'
import type { OptionSchema } from '../options.js'
import type { Picture } from '../visualize/picture.js'
import { shown } from './follow.js'
import { FORCE_FLAG, prepareOutput } from './output_file.js'

export const PICTURE_FLAGS = {
  output: { type: 'string', default: null, placeholder: 'FILE.png', doc: 'The .png file to write' },
  force: FORCE_FLAG,
} as const satisfies OptionSchema

/**
 * Draws and writes. The place is looked at before anything is computed.
 * @throws BeitError ERR_INVALID_ARGUMENT unless it is a .png, ERR_OUTPUT_EXISTS, ERR_IO, and what `draw` throws
 */
export async function writePicture(
  values: Readonly<Record<string, unknown>>,
  draw: () => Promise<Picture>,
): Promise<void> {
  const output = values.output as string
  if (extname(output).toLowerCase() !== '.png') throw invalidArgument('--output', 'a .png file', output)
  await prepareOutput(values)
  const picture = await draw()
  await streamFile('--output', output, (file) => file.writeFile(picture.png))
  console.log(shown(output))
}
