/** Does a checkpoint hold the tokenizer that its configuration says? */
import { native } from '../binding.js'
import type { Shapes } from '../checkpoint/naming/recipe.js'
import { BeitError } from '../errors.js'

/** How many tensors a message lists. */
const LISTED = 4

/**
 * Told before the network is made: a file must not be able to ask for one larger than itself.
 * @param where for the message
 * @throws BeitError ERR_CHECKPOINT_MISMATCH naming tensors that are missing or of another shape
 */
export async function checkTokenizerShapes(
  where: string,
  kind: 'dalle_dvae' | 'conv_discrete_vae',
  config: object,
  found: Shapes,
): Promise<void> {
  const { names, shapes } = await native().moduleShapes(kind, { ...config })
  const wrong = names.flatMap((name, i) => {
    const [expected, got] = [shapes[i], found.get(name)]
    if (got?.join() === expected?.join()) return []
    return [`${name} has shape [${expected?.join(', ')}], got ${got ? `[${got.join(', ')}]` : 'none'}`]
  })
  if (wrong.length === 0) return
  const rest = wrong.length > LISTED ? `; and ${wrong.length - LISTED} more` : ''
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${where}: the weights do not fit the configuration: ${wrong.slice(0, LISTED).join('; ')}${rest}`,
  )
}
