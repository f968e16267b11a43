/**
 * The patch embedding for patches of another size, by the pseudo-inverse resize of FlexiViT
 * (https://arxiv.org/abs/2212.08013; native/ops/resample_patch_embedding.h).
 */
import type { BeitArchitecture } from '../naming/architecture.js'
import type { AdaptationPlan } from './plan.js'

const NAME = 'patch_embed.proj.weight'

export function planPatchEmbedding(
  plan: AdaptationPlan,
  source: BeitArchitecture,
  target: BeitArchitecture,
): void {
  const side = target.patchSize
  if (side === source.patchSize) return
  plan.change(
    'resampled',
    [NAME],
    { kind: 'patch-embedding', side },
    ([hidden = 0, channels = 0]) => [hidden, channels, side, side],
    `the patch embedding from patches of ${source.patchSize} to ${side} pixels, by pseudo-inverse`,
  )
}
