/** How far a probe is, as its `onProgress` is told. Plain objects. */

/** Accuracy and mean loss of the classifier of one block. */
export interface LayerScores {
  /** Block whose output was probed, from 0 on. */
  block: number
  /** Mean over the images. */
  loss: number
  /** 0 to 1. */
  accuracy: number
}

/** What `onProgress` of a probe is told: images whose features are known, epochs, votes. */
export type ProbeProgress =
  /** Images of a set whose features are known. */
  | { type: 'features'; set: 'training' | 'validation'; images: number; of: number }
  /** Linear probe: an epoch (from 0 on) is over. */
  | {
      type: 'epoch'
      epoch: number
      epochs: number
      learningRate: number
      /** While learning, in training mode of the images. */
      training: LayerScores[]
      validation: LayerScores[]
    }
  /** k-NN: the votes of a block are counted. */
  | { type: 'block'; block: number; accuracies: { neighbours: number; accuracy: number }[] }
