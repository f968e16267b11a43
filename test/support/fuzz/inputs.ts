/**
 * What the fuzzer mutates: the inside of a file and the container around it. A zip file whose pickle is changed
 * by itself would only ever show that checksums work, so the container is put around it anew each time.
 */
import { BOMBS } from '../../checkpoint/attacks/bombs.js'
import { ATTACKS } from '../../checkpoint/attacks/corpus.js'
import { SLOW_FILES } from '../../checkpoint/attacks/slow_files.js'
import { FLOATS, legacy, safetensors, torchZip } from '../checkpoint_builder.js'
import { bytes } from '../pickle_builder.js'
import { SEEDS } from '../seeds.js'

export const CONTAINERS = ['zip', 'legacy', 'pickle', 'safetensors', 'index', 'whole'] as const
export type Container = (typeof CONTAINERS)[number]

export interface Input {
  readonly container: Container
  /** A pickle, the JSON of a header or of an index, or the whole file. */
  readonly content: Buffer
}

const INTEGERS = bytes(new Uint8Array(new BigInt64Array([7n, -1n]).buffer))
/** Of the seeds, and of what stands in for the data of a safetensors file. */
const DATA = bytes(FLOATS, INTEGERS)

/** The file of an input. */
export function fileOf({ container, content }: Input): Buffer {
  switch (container) {
    case 'zip':
      return torchZip(content, { 0: FLOATS, 1: INTEGERS })
    case 'legacy':
      return legacy(content, [
        { key: '0', count: 4, data: FLOATS },
        { key: '1', count: 2, data: INTEGERS },
      ])
    case 'safetensors':
      return safetensors(content, DATA)
    default:
      return content
  }
}

/** Larger ones would only be slow. */
const MAX_START = 16_384

const SLOW = [...BOMBS, ...SLOW_FILES]

/** The valid seeds and the hostile files, each whole and, where it can be taken out, by its inside; no bombs. */
export function startInputs(): Input[] {
  const sources = [...SEEDS, ...ATTACKS.filter((attack) => !SLOW.includes(attack))]
  const files = sources.map(({ main, files }) => files[main] as Buffer)
  const small = files.filter((file) => file.length > 0 && file.length <= MAX_START)
  return small.flatMap((file) => [{ container: 'whole' as const, content: file }, ...insidesOf(file)])
}

const LEGACY_HEAD = legacy('', []).length - 6 // without the pickle of no keys

function insidesOf(file: Buffer): Input[] {
  const isZip = file.readUInt32LE(0) === 0x04034b50 && file.length > 46
  if (isZip && file.toString('latin1', 30, 46) === 'archive/data.pkl') {
    return [{ container: 'zip', content: file.subarray(46, 46 + file.readUInt32LE(18)) }]
  }
  if (file.subarray(0, LEGACY_HEAD).equals(legacy('', []).subarray(0, LEGACY_HEAD))) {
    return [{ container: 'legacy', content: file.subarray(LEGACY_HEAD) }]
  }
  if (file[0] === 0x7b) return [{ container: 'index', content: file }]
  if (file[8] === 0x7b) {
    const length = Math.min(file.readUInt32LE(0), file.length - 8)
    return [{ container: 'safetensors', content: file.subarray(8, 8 + length) }]
  }
  return file[0] === 0x80 ? [{ container: 'pickle', content: file }] : []
}
