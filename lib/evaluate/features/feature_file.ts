/** A file of features, whatever its format: what it holds, and how rows come into it. */
import type { FileHandle } from 'node:fs/promises'
import { extname } from 'node:path'
import { BeitError } from '../../errors.js'
import type { Tensor } from '../../tensor.js'
import { jsonLinesWriter } from './json_lines.js'
import { parquetWriter } from './parquet.js'
import { safetensorsWriter } from './safetensors.js'

/** Formats of feature files. */
export const FEATURE_FORMATS = ['safetensors', 'jsonl', 'parquet'] as const
/** A format of feature files. */
export type FeatureFormat = (typeof FEATURE_FORMATS)[number]

/** What is known of a file before the first image is read. */
export interface FeatureTable {
  /** 'block_0' for the first block, 'head' for what follows the last one. */
  names: readonly string[]
  /** Of one feature of one image: [D], or [N, D] of its patches. */
  shape: readonly number[]
  dtype: 'float32' | 'float16'
  /** Names of all images, of which broken ones will be missing. */
  keys: readonly string[]
  /** What the labels count; null: there are none. */
  classes: readonly string[] | null
  /** 'class': one class id an image. 'weights': a number for each class. */
  targets: 'none' | 'class' | 'weights'
  /** What made the features; strings, some of them JSON. */
  metadata: Readonly<Record<string, string>>
}

/** The label of one image: a class id, -1 when it has none, or a weight for each class. */
export type FeatureTarget = number | Float32Array

/** A batch of images. */
export interface FeatureRows {
  keys: readonly string[]
  /** One an image; empty without labels. */
  targets: readonly FeatureTarget[]
  /** (B, names, ...shape) of the table's dtype. */
  features: Tensor
}

/** Puts rows into an open file. */
export interface FeatureWriter {
  append(rows: FeatureRows): Promise<void>
  /** After the last rows. */
  finish(): Promise<void>
}

const WRITERS: Record<FeatureFormat, (file: FileHandle, table: FeatureTable) => FeatureWriter> = {
  safetensors: safetensorsWriter,
  jsonl: jsonLinesWriter,
  parquet: parquetWriter,
}

/** A writer into the empty `file`. @throws BeitError ERR_INVALID_ARGUMENT for what the format cannot hold */
export function featureWriter(format: FeatureFormat, file: FileHandle, table: FeatureTable): FeatureWriter {
  return WRITERS[format](file, table)
}

/** The format of a name. @throws BeitError ERR_INVALID_ARGUMENT when its extension tells none */
export function featureFormatOf(path: string): FeatureFormat {
  const extension = extname(path).slice(1).toLowerCase()
  const format = FEATURE_FORMATS.find((name) => name === extension)
  if (format !== undefined) return format
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `the name ${path} tells no format of features: end it in .${FEATURE_FORMATS.join(', .')}, or give format`,
  )
}
