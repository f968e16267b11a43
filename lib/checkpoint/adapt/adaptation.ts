/** What was done to the tensors of a checkpoint so that they fit a model: as data, and in words. */

/** Shape by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>

/** One change; several tensors that changed alike are one. */
export interface Adaptation {
  /**
   * 'expanded': a tensor that all blocks shared is now one a block. 'resized': positions of one grid became
   * those of another. 'resampled': the patch embedding is for patches of another size. 'recomputed': the
   * model makes it itself from its configuration. 'dropped': the model has no place for it. 'initialised':
   * the model begins with new values, in place of `from` where there was one.
   */
  readonly what: 'expanded' | 'resized' | 'resampled' | 'recomputed' | 'dropped' | 'initialised'
  /** Tensors of the checkpoint. */
  readonly from: Shapes
  /** Tensors of the model. */
  readonly to: Shapes
  /** "resized: 12 relative position tables from 14x14 to 24x24 patches, ..." */
  readonly line: string
}

/** "14x14" */
export const by = (sides: readonly number[]) => sides.join('x')
