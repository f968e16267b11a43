/**
 * Pictures of what a model does: the masks it is trained with, what its tokenizer's codes stand for, where its heads
 * look, and what it makes of hidden patches. Each gives a {@link Picture}; `beit visualize` writes them as PNG.
 */
export { type AttentionOptions, attention, attentionSchema } from './attention.js'
export { type CodebookOptions, codebook, codebookSchema } from './codebook.js'
export { type MasksOptions, masks, masksSchema } from './masks.js'
export { type ReconstructOptions, reconstruct, reconstructSchema } from './reconstruct.js'
