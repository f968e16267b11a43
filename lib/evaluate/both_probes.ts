/** Both probes of one model on features that are computed once. */
import { scope } from '../dispose.js'
import { validateOptions } from '../options.js'
import { usingThreads } from './frozen_model.js'
import { type KnnProbeResult, nearestVotes } from './knn_probe.js'
import { type LinearProbeResult, trainLinearProbes } from './linear_probe.js'
import {
  type KnnProbeOptions,
  type KnnProbeSettings,
  knnProbeSchema,
  type LinearProbeOptions,
  type LinearProbeSettings,
  linearProbeSchema,
} from './probe_options.js'
import { ProbeSets } from './probe_sets.js'

/**
 * linearProbe(linear) and knnProbe(knn), which must be told of the same images and model. The pooling of
 * `linear` must be that of `knn`, or 'concat', which holds either.
 * @throws BeitError as the two do
 * @example
 * const sets = { model, data: training, validation }
 * const { linear, knn } = await bothProbes({ ...sets, epochs: 5 }, { ...sets, neighbours: [5] })
 * console.log(linear.best.accuracy, knn.best.accuracy)
 */
export async function bothProbes(
  linear: LinearProbeOptions,
  knn: KnnProbeOptions,
): Promise<{ linear: LinearProbeResult; knn: KnnProbeResult }> {
  const linearSettings = validateOptions<LinearProbeSettings>('linearProbe', linearProbeSchema, linear)
  const knnSettings = validateOptions<KnnProbeSettings>('knnProbe', knnProbeSchema, knn)
  return scope(() =>
    usingThreads(linearSettings.threads, async () => {
      using sets = await ProbeSets.open(linearSettings)
      return {
        knn: await nearestVotes(knnSettings, sets),
        linear: await trainLinearProbes(linearSettings, sets),
      }
    }),
  )
}
