/**
 * Features as Parquet: the columns key, label, class and a list of numbers for each feature, a list of lists for
 * patches. Written in row groups of some megabytes; the table's metadata and `classes` are the file's key-value pairs.
 */
import type { FileHandle } from 'node:fs/promises'
import type { SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { FeatureRows, FeatureTable, FeatureWriter } from './feature_file.js'
import { featureRows, type NestedNumbers } from './rows.js'

/** Numbers of a row group: 16 MB as float32. */
const GROUP_NUMBERS = 4 << 20

export function parquetWriter(file: FileHandle, table: FeatureTable): FeatureWriter {
  const bytes = new ByteWriter()
  const flush = async () => {
    await file.appendFile(bytes.getBytes())
    bytes.index = 0
  }
  const pairs = { ...table.metadata, ...(table.classes && { classes: JSON.stringify(table.classes) }) }
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(table),
    // Features hardly compress, and every reader knows plain bytes.
    codec: 'UNCOMPRESSED',
    statistics: false,
    createdBy: 'beit-torch',
    kvMetadata: Object.entries(pairs).map(([key, value]) => ({ key, value })),
  })
  const groupRows = Math.ceil(GROUP_NUMBERS / table.shape.reduce((a, b) => a * b, table.names.length))
  let group = new Map<string, unknown[]>()
  let rows = 0

  const writeGroup = async () => {
    if (rows === 0) return
    const columnData = [...group].map(([name, data]) => ({ name, data, encoding: 'PLAIN' as const }))
    await writer.write({ columnData, rowGroupSize: rows })
    group = new Map()
    rows = 0
    await flush()
  }
  return {
    async append(batch) {
      for (const [name, values] of await columnsOf(table, batch)) {
        group.set(name, (group.get(name) ?? []).concat(values))
      }
      rows += batch.keys.length
      if (rows >= groupRows) await writeGroup()
    },
    async finish() {
      await writeGroup()
      await writer.finish()
      await flush()
    },
  }
}

/** In the order of the schema. */
async function columnsOf(
  { names, targets: kind, classes }: FeatureTable,
  { keys, targets, features }: FeatureRows,
): Promise<[name: string, values: readonly unknown[]][]> {
  const columns: [string, readonly unknown[]][] = [['key', keys]]
  if (kind === 'class') {
    const ids = (targets as readonly number[]).map((id) => (id < 0 ? null : id))
    columns.push(['label', ids], ['class', ids.map((id) => (id === null ? null : classes?.[id]))])
  }
  if (kind === 'weights') {
    columns.push(['weights', (targets as readonly Float32Array[]).map((weights) => [...weights])])
  }
  const images = (await featureRows(features)) as NestedNumbers[][]
  for (const [i, name] of names.entries()) columns.push([name, images.map((image) => image[i])])
  return columns
}

/** What a leaf of the schema is, whatever its name. */
type Leaf = Omit<SchemaElement, 'name'>
const TEXT: Leaf = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
const FLOAT: Leaf = { type: 'FLOAT', repetition_type: 'REQUIRED' }
const HALF: Leaf = {
  type: 'FIXED_LEN_BYTE_ARRAY',
  type_length: 2,
  logical_type: { type: 'FLOAT16' },
  repetition_type: 'REQUIRED',
}

function schemaOf({ names, shape, targets, dtype }: FeatureTable): SchemaElement[] {
  const columns: SchemaElement[][] = [[{ name: 'key', ...TEXT, repetition_type: 'REQUIRED' }]]
  if (targets === 'class') {
    columns.push([{ name: 'label', type: 'INT32', repetition_type: 'OPTIONAL' }])
    columns.push([{ name: 'class', ...TEXT, repetition_type: 'OPTIONAL' }])
  }
  if (targets === 'weights') columns.push(lists('weights', 1, FLOAT))
  for (const name of names) columns.push(lists(name, shape.length, dtype === 'float16' ? HALF : FLOAT))
  return [{ name: 'schema', num_children: columns.length }, ...columns.flat()]
}

/** A column of lists, `depth` within each other, in the three levels that Parquet gives a list. */
function lists(name: string, depth: number, leaf: Leaf): SchemaElement[] {
  if (depth === 0) return [{ name, ...leaf }]
  return [
    {
      name,
      repetition_type: 'REQUIRED',
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...lists('element', depth - 1, leaf),
  ]
}
