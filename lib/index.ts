/**
 * BEiT pre-training of image Transformers on libtorch: the public API. Where to begin:
 *
 * - Models: {@link BeitForMaskedImageModeling}, {@link BeitForImageClassification}, {@link loadAnyBeit}, {@link beitPresets}
 * - Image tokenizers: {@link DalleTokenizer}, {@link ConvDiscreteVae}, {@link loadTokenizer}
 * - Images, labels, masks: {@link openImages}, {@link ImageFolder}, {@link WebDataset}, {@link labelled}, {@link batches},
 *   {@link blockwiseMask}
 * - Training: {@link pretrain}, {@link trainTokenizer}, {@link finetune}; a loop of one's own: {@link MaskedImageModeling},
 *   {@link Trainer}, {@link cosineSchedule}
 * - What a model knows: {@link evaluate}, {@link linearProbe}, {@link knnProbe}, {@link extractFeatures}
 * - Files of PyTorch and others: {@link openCheckpoint}, {@link readCheckpoint}, {@link writeCheckpoint}, {@link convertCheckpoint},
 *   {@link exportTrainingCheckpoint}
 * - Following a run: {@link showProgress}, {@link writeMetrics}, {@link writeReport}, {@link watchRun}, {@link trainingCurves}
 * - Tensors and their memory: {@link Tensor}, {@link scope}, {@link keep}, {@link memory}; {@link BeitError}; {@link devices}, {@link doctor}
 *
 * @module
 */

export {
  type Adaptation,
  adaptState,
  type CompleteArchitecture,
  type HeadedModel,
  type Shapes,
} from './checkpoint/adapt/adapt.js'
export { CheckpointFile, type Container } from './checkpoint/checkpoint_file.js'
export type { BeitArchitecture } from './checkpoint/naming/architecture.js'
export type { Companions } from './checkpoint/naming/companions.js'
export {
  type ConversionReport,
  type ConvertOptions,
  convertCheckpoint,
} from './checkpoint/naming/convert.js'
export type { DallePart } from './checkpoint/naming/dalle.js'
export type { ModelIdentity, Naming } from './checkpoint/naming/identify.js'
export type { KnownArchitecture } from './checkpoint/naming/infer_config.js'
export type { Dropped } from './checkpoint/naming/recipe.js'
export type { LoadReport } from './checkpoint/naming/report.js'
export { type Checkpoint, openCheckpoint, readCheckpoint } from './checkpoint/read_checkpoint.js'
export {
  type PlainData,
  type PlainObject,
  PlainRecord,
  type StorageRecord,
  TensorRecord,
  UnreadableTensor,
} from './checkpoint/records.js'
export {
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsRecord,
  writeSafetensors,
} from './checkpoint/safetensors.js'
export { type Verification, verifyCheckpoint } from './checkpoint/verify_checkpoint.js'
export {
  type CheckpointFormat,
  type WriteCheckpointOptions,
  writeCheckpoint,
} from './checkpoint/write_checkpoint.js'
export { batchTargets } from './data/batch_targets.js'
export { type Batch, type BatchOptions, type BatchStream, batches } from './data/batches.js'
export type { BrokenImage } from './data/broken_images.js'
export { balanceWarnings, type ClassBalance, classBalance } from './data/class_balance.js'
export type { BatchPosition } from './data/epoch_order.js'
export { ImageFolder, type ImageFolderOptions } from './data/image_folder.js'
export type { EncodedImage } from './data/image_pixels.js'
export type { ImageSample, ImageSource } from './data/image_source.js'
export type { LabelValue, WrittenTarget } from './data/label_table.js'
export {
  isLabelled,
  type LabelledImages,
  type LabelOptions,
  type LabelRecord,
  labelled,
  type Target,
  type TargetKind,
} from './data/labels.js'
export { blockwiseMask, type MaskOptions, maskSettings } from './data/masks.js'
export { openImages } from './data/open_images.js'
export { type ImagePreprocessing, imagePreprocessing } from './data/preprocessing.js'
export { parseRandAugment, type RandAugmentOptions } from './data/rand_augment.js'
export { balancedSubset, subset } from './data/subset.js'
export {
  type EvaluationViewOptions,
  evaluationViews,
  type TrainingViewOptions,
  trainingViews,
  type ViewOptions,
} from './data/view_settings.js'
export { WebDataset, type WebDatasetOptions } from './data/web_dataset.js'
export { type DeviceInfo, devices, threads } from './device.js'
export { Disposable, keep, memory, scope } from './dispose.js'
export type { CpuInfo } from './doctor/cpu.js'
export type { AddonProbe } from './doctor/probe.js'
export { type DoctorReport, doctor, formatDoctor, type Problem } from './doctor.js'
export { BeitError, type BeitErrorCode } from './errors.js'
export { bothProbes } from './evaluate/both_probes.js'
export {
  type ClassificationEvaluation,
  type ClassScores,
  type ConfusionCount,
  confusionMatrix,
  type MultiLabelScores,
} from './evaluate/classification_evaluation.js'
export { evaluate } from './evaluate/evaluate.js'
export {
  type EvaluateOptions,
  type EvaluateSettings,
  type EvaluationProgress,
  evaluateSchema,
} from './evaluate/evaluate_options.js'
export { extractFeatures } from './evaluate/features/extract_features.js'
export type { FeatureFormat } from './evaluate/features/feature_file.js'
export {
  type ExtractedFeatures,
  type FeatureOptions,
  type FeaturePooling,
  type FeatureProgress,
  type FeatureSettings,
  featureSchema,
} from './evaluate/features/feature_options.js'
export type { InferenceSettings } from './evaluate/inference_options.js'
export { type KnnProbeResult, type KnnScore, knnProbe } from './evaluate/knn_probe.js'
export { type LinearProbeResult, linearProbe } from './evaluate/linear_probe.js'
export { type Confused, type Mistake, mistakes } from './evaluate/mistakes.js'
export type { PreprocessingSettings } from './evaluate/preprocessing_options.js'
export {
  type KnnProbeOptions,
  type KnnProbeSettings,
  knnProbeSchema,
  type LinearProbeOptions,
  type LinearProbeSettings,
  linearProbeSchema,
  type ProbeSettings,
} from './evaluate/probe_options.js'
export type { LayerScores, ProbeProgress } from './evaluate/probe_progress.js'
export type { Histogram } from './histogram.js'
export type { Libtorch, SearchEntry } from './libtorch.js'
export { balanceTable } from './log/balance_table.js'
export { confusionTable } from './log/confusion_table.js'
export { evaluationTable } from './log/evaluation_table.js'
export { METRICS_FILE, readMetrics, writeMetrics } from './log/metrics_file.js'
export { type ProgressOptions, showProgress } from './log/progress.js'
export { type ProfileSummary, StepProfile } from './log/step_profile.js'
export { TensorBoardWriter } from './log/tensorboard/tensorboard_writer.js'
export { type TensorBoardOptions, writeTensorBoard } from './log/tensorboard/write_tensorboard.js'
export {
  type BeitConfig,
  type BeitConfigInput,
  beitPresets,
  resolveBeitConfig,
} from './models/beit_config.js'
export { BeitForImageClassification, type ClassifierOptions } from './models/beit_for_image_classification.js'
export {
  BeitForMaskedImageModeling,
  type PretrainedOptions,
} from './models/beit_for_masked_image_modeling.js'
export { BeitModel } from './models/beit_model.js'
export type { ImageSize } from './models/image_size.js'
export { loadAnyBeit } from './models/load_any_beit.js'
export type { BeitLoadOptions } from './models/load_beit.js'
export { Module } from './models/module.js'
export type { LoadOptions, ModuleOptions } from './models/module_options.js'
export {
  type PredictInput,
  type Prediction,
  type PredictOptions,
  type PredictSettings,
  predictSchema,
} from './models/predict.js'
export type { SaveOptions } from './models/save_module.js'
export type { StateDifference } from './models/state_difference.js'
export type {
  BatchErasing,
  ErasingSettings,
  MaskSettings,
  MixPlan,
  RandAugmentSettings,
  ViewSettings,
} from './native.js'
export {
  type DiscreteVaeMetrics,
  DiscreteVaeReconstruction,
  type DiscreteVaeReconstructionOptions,
} from './objectives/discrete_vae_reconstruction.js'
export {
  ImageClassification,
  type ImageClassificationMetrics,
  type ImageClassificationOptions,
} from './objectives/image_classification.js'
export {
  MaskedImageModeling,
  type MaskedImageModelingMetrics,
  type MaskedImageModelingOptions,
} from './objectives/masked_image_modeling.js'
export type { Objective, ViewNeeds } from './objectives/objective.js'
export { mostFrequentShare, perplexity, type TokenCounts, usage } from './objectives/token_statistics.js'
export type { OptionSchema, OptionSpec } from './options.js'
export { type Recipe, readRecipe, recipeNames } from './recipes/read_recipe.js'
export { type UpdateReportOptions, updateReport } from './report/update_report.js'
export { type WatchedRun, type WatchOptions, watchRun, watchSchema } from './report/watch.js'
export { REPORT_FILE, type ReportOptions, writeReport } from './report/write_report.js'
export { type DType, type NestedArray, Tensor, type TypedArray } from './tensor.js'
export type { ConvDiscreteVaeConfig, ConvDiscreteVaeInput } from './tokenizers/conv_config.js'
export { ConvDiscreteVae } from './tokenizers/conv_discrete_vae.js'
export type { DalleDvaeConfig } from './tokenizers/dalle_config.js'
export { DalleTokenizer } from './tokenizers/dalle_tokenizer.js'
export { type ImageTokenizer, TokenizerModule } from './tokenizers/image_tokenizer.js'
export { loadTokenizer } from './tokenizers/load_tokenizer.js'
export type { CropSettings, Interpolation } from './train/crop_options.js'
export type {
  CheckpointEvent,
  ClassificationScores,
  CodebookEvent,
  DoneCommon,
  EpochCommon,
  EvaluationCommon,
  FinetuneDoneEvent,
  FinetuneEpochEvent,
  FinetuneEvaluationEvent,
  FinetuneEvent,
  FinetuneStartEvent,
  FinetuneStepEvent,
  PretrainDoneEvent,
  PretrainEpochEvent,
  PretrainEvaluationEvent,
  PretrainEvent,
  PretrainStepEvent,
  RunEvent,
  SamplesEvent,
  StartEvent,
  StepCommon,
  TokenizerDoneEvent,
  TokenizerEpochEvent,
  TokenizerEvaluationEvent,
  TokenizerEvent,
  TokenizerStepEvent,
  WarningEvent,
} from './train/events.js'
export { finetune } from './train/finetune.js'
export { type FinetuneOptions, type FinetuneSettings, finetuneSchema } from './train/finetune_options.js'
export type { Machine } from './train/machine.js'
export { pretrain } from './train/pretrain.js'
export { type PretrainOptions, type PretrainSettings, pretrainSchema } from './train/pretrain_options.js'
export type { RunSettings, SamplesSettings } from './train/run_options.js'
export type { Score } from './train/run_state.js'
export {
  constant,
  cosineSchedule,
  exponentialSchedule,
  klWeightSchedule,
  type Schedule,
  temperatureSchedule,
} from './train/schedules.js'
export { type TokenizerOptions, type TokenizerSettings, tokenizerSchema } from './train/tokenizer_options.js'
export { type ExportOptions, exportTrainingCheckpoint } from './train/torch_export.js'
export { trainTokenizer } from './train/train_tokenizer.js'
export {
  type MicroBatch,
  type NativeObjective,
  PendingStep,
  type StepResult,
  type StepSettings,
  Trainer,
  type TrainerOptions,
} from './train/trainer.js'
export { type CodebookUse, codebookUse, drawCodebook } from './visualize/codebook_grid.js'
export { drawConfusion } from './visualize/confusion_matrix.js'
export { trainingCurves } from './visualize/curves.js'
export * as visualize from './visualize/index.js'
export type { Picture } from './visualize/picture.js'
export { type ProbeLine, type ProbeResults, probeChart } from './visualize/probe_chart.js'
export { type SampleSheetOptions, sampleSheet } from './visualize/sample_sheet.js'
export { countCodes, reconstructionSheet, type TokenizerSheetOptions } from './visualize/tokenizer_sheets.js'
