/** A DALL-E tokenizer of random weights. */
import { native } from '../../lib/binding.js'
import type { DalleDvaeConfig } from '../../lib/tokenizers/dalle_config.js'
import { DalleTokenizer } from '../../lib/tokenizers/dalle_tokenizer.js'

/** On the CPU in float32; the class itself makes none, because nobody trains one. */
export async function randomDalle(config: DalleDvaeConfig, seed: number): Promise<DalleTokenizer> {
  const options = { device: 'cpu', dtype: 'float32' } as const
  const handle = await native().moduleCreate('dalle_dvae', { ...config }, { ...options, seed })
  return new DalleTokenizer(handle, config, options)
}
