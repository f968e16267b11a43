/** What TensorBoard shows of a run as histograms: matrices of the model, their gradients, and the tokens of an epoch. */
import { scope } from '../dispose.js'
import { type Histogram, histogramOfCounts } from '../histogram.js'
import type { Module } from '../models/module.js'
import type { TokenCounts } from '../objectives/token_statistics.js'
import type { Trainer } from './trainer.js'

/** As many as TensorBoard draws of values, and of tokens so many that a dead part of the codebook shows. */
const BUCKETS = 30
const TOKEN_BUCKETS = 64

/**
 * Counted where the tensors lie, one pass each for range and counts; no weight is copied to JavaScript. Biases, norms and
 * scales, which are vectors, are left out, and tables of indices. Gradients are those of the last step, after clipping; there are none when a
 * resumed run begins with the end of an epoch.
 *
 * @param tokenCounts of the epoch; empty where no tokens are counted
 */
export function runHistograms(
  module: Module,
  trainer: Trainer,
  tokenCounts: TokenCounts,
): Promise<Map<string, Histogram>> {
  return scope(async () => {
    const histograms = new Map<string, Histogram>()
    if (tokenCounts.length > 0)
      histograms.set('codebook/tokens', histogramOfCounts(tokenCounts, TOKEN_BUCKETS))
    const gradients = await trainer.gradients()
    for (const [name, weight] of await module.stateDict()) {
      if (weight.shape.length < 2 || weight.dtype !== 'float32') continue
      histograms.set(`weights/${name}`, await weight.histogram(BUCKETS))
      const gradient = gradients.get(name)
      if (gradient !== undefined) histograms.set(`gradients/${name}`, await gradient.histogram(BUCKETS))
    }
    return histograms
  })
}
