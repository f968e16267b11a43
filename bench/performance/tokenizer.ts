/** A tokenizer of random weights whose tokens nevertheless tell places apart. */
import { type DalleTokenizer, Tensor } from 'beit-torch'
import type { DalleDvaeConfig } from '../../lib/tokenizers/dalle_config.js'
import { randomDalle } from '../../test/support/random_dalle.js'

/** Of two images, (2, 3, h, w) in [0, 1], it takes what its logits are about. */
export async function randomTokenizer(config: DalleDvaeConfig, images: Tensor): Promise<DalleTokenizer> {
  const tokenizer = await randomDalle(config, 1)
  await centre(tokenizer, images)
  return tokenizer
}

/**
 * Takes the mean over the places from the logits, by the bias. With random weights one token would win at every
 * place, and equal tokens would show nothing.
 */
async function centre(tokenizer: DalleTokenizer, images: Tensor): Promise<void> {
  using logits = await tokenizer.logits(images)
  const values = await logits.toFloat32()
  const vocabulary = tokenizer.vocabSize
  const [count = 0, , height = 0, width = 0] = logits.shape
  const places = height * width
  const bias = new Float32Array(vocabulary)
  // (images, V, h, w)
  for (const [i, value] of values.entries()) {
    const code = Math.floor(i / places) % vocabulary
    bias[code] = (bias[code] as number) - value / (count * places)
  }
  const name = 'encoder.blocks.output.conv.b'
  await tokenizer.loadStateDict(new Map([[name, Tensor.from(bias, [vocabulary])]]), { strict: false })
}
