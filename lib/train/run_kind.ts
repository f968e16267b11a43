/** The kinds of runs: what people call them, and what tells them apart. */

export type RunKind = 'pretrain' | 'tokenizer' | 'finetune'

export const RUN_KINDS: Readonly<Record<RunKind, string>> = {
  pretrain: 'Masked image modelling',
  tokenizer: 'Tokenizer training',
  finetune: 'Image classification',
}

/** The kind of the run that told of `step`, by the numbers that only its objective has. */
export const kindOfStep = (step: object): RunKind =>
  'reconstruction' in step ? 'tokenizer' : 'masked' in step ? 'pretrain' : 'finetune'
