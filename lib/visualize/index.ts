/**
 * Pictures of what a model does: the masks it is trained with, what its tokenizer's codes stand for, where its heads
 * look, and what it makes of hidden patches. Each gives a {@link Picture}; `beit visualize` writes them as PNG.
 *
 * @module
 */
export { type AttentionOptions, type AttentionSettings, attention, attentionSchema } from './attention.js'
export { type CodebookOptions, type CodebookSettings, codebook, codebookSchema } from './codebook.js'
export { type MasksOptions, type MasksSettings, masks, masksSchema } from './masks.js'
export {
  type ReconstructOptions,
  type ReconstructSettings,
  reconstruct,
  reconstructSchema,
} from './reconstruct.js'
