import { tensor, torchMembers } from '../../support/checkpoint_builder.js'
import { type Bytes, dictOf, pickle, proto } from '../../support/pickle_builder.js'
import { type ZipLayout, type ZipMember, zip } from '../../support/zip_builder.js'

export const pickled = pickle(proto(2), dictOf({ w: tensor() }))
export const [data, order, storage, version] = torchMembers(pickled) as [
  ZipMember,
  ZipMember,
  ZipMember,
  ZipMember,
]
/** What a right one comes to. */
export const w = { w: { tensor: 'w' } }

/** A right file but for its storage, in the middle of it. */
export const forged = (change: Partial<ZipMember>, layout?: ZipLayout) =>
  zip([data, order, { ...storage, ...change }, version], layout)
export const laidOut = (layout: ZipLayout) => zip([data, order, storage, version], layout)
export const extra = (...members: ZipMember[]) => zip([data, order, storage, version, ...members])
export const named = (name: Bytes) => extra({ name, data: 'x' })
