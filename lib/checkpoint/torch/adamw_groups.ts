/** The parameter groups of the original's optimizer (microsoft/unilm, beit/optim_factory.py). */

/** A trained tensor, by its name. */
export interface NamedShape {
  name: string
  shape: readonly number[]
}

/** Not decayed although they are no vectors. */
const NEVER_DECAYED: ReadonlySet<string> = new Set(['cls_token', 'pos_embed'])

/** Whether weight decay is for this parameter: as native/train/adamw.cc, whose mirror this is. */
export function decays({ name, shape }: NamedShape): boolean {
  return shape.length !== 1 && !name.endsWith('.bias') && !NEVER_DECAYED.has(name)
}

/**
 * The two groups in the original's order, whose first parameter is the class token: those without decay, then
 * those with. The numbers of parameters in a state dict count through them.
 *
 * @param parameters in state-dict order
 */
export function adamWGroups<P extends NamedShape>(
  parameters: readonly P[],
): [withoutDecay: P[], withDecay: P[]] {
  return [
    parameters.filter((parameter) => !decays(parameter)),
    parameters.filter((parameter) => decays(parameter)),
  ]
}
