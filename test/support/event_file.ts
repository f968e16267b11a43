/**
 * Reads event files without any code of lib/: what tensorboard's protos say of each byte, checksums bit by bit. Only
 * fields that the library writes are known; anything else is an error.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SummaryValue {
  tag: string
  scalar?: number
  image?: { height: number; width: number; colorspace: number; png: Buffer }
  /** Numbers of a float64 tensor, texts of a string tensor. */
  tensor?: { shape: number[]; numbers: number[]; texts: string[] }
  metadata?: { plugin: string; dataClass: number }
}

export interface TensorBoardEvent {
  wallTime: number
  step: number
  fileVersion?: string
  /** The status of a session. */
  session?: number
  values: SummaryValue[]
}

/** The event files of a folder, in the order in which TensorBoard reads them. */
export const eventFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.includes('tfevents'))
    .sort()
    .map((name) => join(folder, name))

/** All events of a file, every checksum compared. */
export const readEvents = (path: string): TensorBoardEvent[] => records(readFileSync(path)).map(event)

/** The points of a curve in all files of a folder: [step, value]. */
export function curve(folder: string, tag: string): [number, number][] {
  return eventFiles(folder)
    .flatMap(readEvents)
    .flatMap(({ step, values }) =>
      values.flatMap((value): [number, number][] =>
        value.tag === tag && value.scalar !== undefined ? [[step, value.scalar]] : [],
      ),
    )
}

export function records(file: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at))
    compare(file.readUInt32LE(at + 8), masked(file.subarray(at, at + 8)))
    const data = file.subarray(at + 12, at + 12 + length)
    compare(file.readUInt32LE(at + 12 + length), masked(data))
    found.push(data)
    at += 16 + length
  }
  return found
}

function compare(found: number, expected: number): void {
  if (found !== expected) throw new Error(`checksum ${found.toString(16)}, expected ${expected.toString(16)}`)
}

function masked(bytes: Uint8Array): number {
  let crc = 0xffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n
  }
  crc ^= 0xffffffffn
  return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn)
}

type Field = number | Buffer

/** The fields of a message, by number. Fixed32 and fixed64 are float and double. */
function fields(message: Buffer): Map<number, Field[]> {
  const found = new Map<number, Field[]>()
  let at = 0
  const varint = () => {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = message[at++] as number
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
  }
  const bytes = (length: number) => {
    at += length
    if (at > message.length) throw new Error('a field goes over the end of its message')
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const read =
      [varint, () => bytes(8).readDoubleLE(), () => bytes(varint())][tag & 7] ??
      (() => bytes(4).readFloatLE())
    const values = found.get(tag >> 3) ?? []
    found.set(tag >> 3, [...values, read()])
  }
  return found
}

const one = (message: Map<number, Field[]>, field: number) => message.get(field)?.[0]
const inner = (message: Map<number, Field[]>, field: number) => fields(one(message, field) as Buffer)
const text = (value: Field | undefined) => (value as Buffer).toString('utf8')

function event(data: Buffer): TensorBoardEvent {
  const message = fields(data)
  return {
    wallTime: one(message, 1) as number,
    step: (one(message, 2) as number | undefined) ?? 0,
    ...(message.has(3) && { fileVersion: text(one(message, 3)) }),
    ...(message.has(7) && { session: one(inner(message, 7), 1) as number }),
    values: message.has(5) ? (inner(message, 5).get(1) ?? []).map((value) => summary(value as Buffer)) : [],
  }
}

function summary(data: Buffer): SummaryValue {
  const message = fields(data)
  const value: SummaryValue = { tag: text(one(message, 1)) }
  if (message.has(2)) value.scalar = one(message, 2) as number
  if (message.has(4)) {
    const image = inner(message, 4)
    const [height, width, colorspace] = [1, 2, 3].map((field) => one(image, field) as number)
    value.image = { height, width, colorspace, png: one(image, 4) as Buffer } as SummaryValue['image'] &
      object
  }
  if (message.has(8)) value.tensor = tensor(inner(message, 8))
  if (message.has(9)) {
    const metadata = inner(message, 9)
    value.metadata = {
      plugin: text(one(inner(metadata, 1), 1)),
      dataClass: one(metadata, 4) as number,
    }
  }
  return value
}

function tensor(message: Map<number, Field[]>) {
  const shape = (inner(message, 2).get(2) ?? []).map((dim) => one(fields(dim as Buffer), 1) as number)
  const content = (one(message, 4) as Buffer | undefined) ?? Buffer.alloc(0)
  return {
    shape,
    numbers: Array.from({ length: content.length / 8 }, (_, i) => content.readDoubleLE(i * 8)),
    texts: (message.get(8) ?? []).map(text),
  }
}
