/** A tokenizer that costs little, for programs that measure what is beside it: 14 x 14 tokens of 1,024 codes. */
import { ConvDiscreteVae } from 'beit-torch'

export const smallTokenizer = () =>
  ConvDiscreteVae.create({ imageSize: 112, vocabSize: 1024, codebookDim: 64, hiddenSize: 32 })
