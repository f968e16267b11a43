/**
 * The messages of an event file: tensorboard/compat/proto/event.proto, summary.proto and tensor.proto, the fields that are
 * used here. Scalars and images have the form that every version of TensorBoard reads, histograms and texts that of 2.x.
 */
import type { Histogram } from '../../histogram.js'
import type { PngSize } from '../../visualize/png_size.js'
import { bytes, double, float, integer, message } from './protobuf.js'

/** The first record of a file has this as its file_version. */
const FILE_VERSION = 'brain.Event:2'
const SESSION_START = 1
const DT_DOUBLE = 2
const DT_STRING = 7
/** What TensorBoard's data providers take a tag for. */
const DATA_CLASS = { scalar: 1, tensor: 2 }

/** `wallTime` is in seconds since 1970. */
const event = (wallTime: number, step: number, what: Uint8Array) =>
  message(double(1, wallTime), ...(step === 0 ? [] : [integer(2, step)]), what)

export const fileVersionEvent = (wallTime: number) => event(wallTime, 0, bytes(3, FILE_VERSION))

/** Tells TensorBoard to forget what it has read of this step and later ones. */
export const sessionStartEvent = (wallTime: number, step: number) =>
  event(wallTime, step, bytes(7, integer(1, SESSION_START)))

/** @param values made by the functions below */
export const summaryEvent = (wallTime: number, step: number, values: readonly Uint8Array[]) =>
  event(wallTime, step, bytes(5, message(...values)))

/** `described`: the tag has its metadata in this file already. */
export const scalarValue = (tag: string, value: number, described: boolean) =>
  summaryValue(tag, float(2, value), described ? null : metadata('scalars', DATA_CLASS.scalar))

/** TensorBoard makes the metadata of images itself. */
export const imageValue = (tag: string, png: Uint8Array, { width, height, channels }: PngSize) =>
  summaryValue(
    tag,
    bytes(4, message(integer(1, height), integer(2, width), integer(3, channels), bytes(4, png))),
    null,
  )

/** float64 (buckets, 3): lower edge, upper edge, count. */
export function histogramValue(tag: string, { counts, edges }: Histogram, described: boolean) {
  const content = Buffer.alloc(counts.length * 24)
  for (let i = 0; i < counts.length; i++) {
    content.writeDoubleLE(edges[i] as number, i * 24)
    content.writeDoubleLE(edges[i + 1] as number, i * 24 + 8)
    content.writeDoubleLE(counts[i] as number, i * 24 + 16)
  }
  const tensor = message(integer(1, DT_DOUBLE), shape(counts.length, 3), bytes(4, content))
  return summaryValue(tag, bytes(8, tensor), described ? null : metadata('histograms', DATA_CLASS.tensor))
}

export function textValue(tag: string, markdown: string, described: boolean) {
  const tensor = message(integer(1, DT_STRING), shape(1), bytes(8, markdown))
  return summaryValue(tag, bytes(8, tensor), described ? null : metadata('text', DATA_CLASS.tensor))
}

const summaryValue = (tag: string, value: Uint8Array, description: Uint8Array | null) =>
  bytes(1, message(bytes(1, tag), value, ...(description === null ? [] : [bytes(9, description)])))

/** The plugin that shows the tag; its own content, version 0 everywhere, has no bytes. */
const metadata = (plugin: string, dataClass: number) =>
  message(bytes(1, bytes(1, plugin)), integer(4, dataClass))

const shape = (...sizes: readonly number[]) =>
  bytes(2, message(...sizes.map((size) => bytes(2, integer(1, size)))))
