/** The options of a run by the names of the original's run_beit_pretraining.py, which keeps them as `args`. */
import type { PythonValue } from '../checkpoint/pickle/python_values.js'
import type { BeitConfig } from '../models/beit_config.js'
import type { PretrainSettings } from './pretrain_options.js'
import type { RunConfig } from './run_config.js'

/** What state.json has of a run of pretrain(). */
export interface SavedPretrainConfig extends RunConfig {
  settings: Record<string, unknown> &
    Omit<PretrainSettings, 'model' | 'tokenizer' | 'data' | 'validation' | 'signal'>
  model: Record<string, unknown> & BeitConfig
}

/** Options without a counterpart there are left out. */
export function unilmArguments({ settings, model }: SavedPretrainConfig): Record<string, PythonValue> {
  const [height, width] = model.imageSize
  return {
    batch_size: settings.batchSize,
    update_freq: settings.accumulate,
    epochs: settings.epochs,
    save_ckpt_freq: settings.saveEveryEpochs,
    input_size: height === width ? height : [height, width],
    drop_path: model.dropPath,
    layer_scale_init_value: model.layerScaleInit,
    rel_pos_bias: model.relativePositions === 'shared',
    abs_pos_emb: model.absolutePositions,
    num_mask_patches: settings.maskPatches,
    min_mask_patches_per_block: settings.minMaskPatchesPerBlock,
    max_mask_patches_per_block: settings.maxMaskPatchesPerBlock,
    opt: 'adamw',
    opt_eps: settings.eps,
    opt_betas: settings.betas,
    clip_grad: settings.clipGradient,
    weight_decay: settings.weightDecay,
    weight_decay_end: settings.weightDecayEnd,
    lr: settings.learningRate,
    min_lr: settings.minLearningRate,
    warmup_epochs: settings.warmupEpochs,
    warmup_steps: settings.warmupSteps ?? -1,
    train_interpolation: settings.interpolation,
    second_interpolation: settings.tokenInterpolation,
    imagenet_default_mean_and_std: settings.normalization === 'imagenet',
    seed: settings.seed,
    output_dir: settings.output,
  }
}
