import { saved, tensor, torchZip } from '../../support/checkpoint_builder.js'
import { bytes, dictOf, unicode } from '../../support/pickle_builder.js'
import { zip } from '../../support/zip_builder.js'
import { type Attack, inert, refused } from './attack.js'
import { data, extra, forged, laidOut, named, order, pickled, storage, version, w } from './zip_parts.js'

const places: Attack[] = [
  refused('a name twice', extra(storage), /its name occurs twice/),
  refused(
    'two entries at one place',
    extra({ ...storage, name: 'archive/data/1', phantom: true, central: { offset: 0 } }),
    /local header does not fit before what follows/,
  ),
  refused('a pickle twice', extra(data), /its name occurs twice/),
  refused(
    'an entry inside another',
    forged({ data: bytes(localOf('archive/x'), 'x'), central: { offset: 200 } }),
    /local header does not fit before what follows/,
  ),
  refused(
    'an offset past the file',
    forged({ central: { offset: 1 << 30 } }),
    /what follows begins at \d+: a gap/,
  ),
  refused(
    'an offset in the directory',
    extra({
      name: 'archive/x',
      phantom: true,
      central: { offset: zip([data, order, storage, version]).length - 60 },
    }),
    /local header|gap|reaches/,
  ),
  refused(
    'an entry that is not in the directory',
    zip([data, order, { name: 'archive/x', data: 'x', hidden: true }, storage]),
    /a gap/,
  ),
  refused(
    'a first entry that is not in the directory',
    zip([{ name: 'archive/data.pkl', data: 'evil', hidden: true }, data, storage]),
    /expected 0: a gap/,
  ),
  refused(
    'a last entry that is not in the directory',
    zip([data, storage, { name: 'archive/x', data: 'x', hidden: true }]),
    /a gap/,
  ),
  refused(
    'an entry that is only in the directory',
    extra({ name: 'archive/data/1', phantom: true }),
    /local header does not fit|no local header/,
  ),
  refused('bytes between entries', forged({ behind: 'hidden' }), /a gap/),
  refused('bytes before the directory', laidOut({ beforeDirectory: 'hidden' }), /a gap/),
  refused(
    'bytes behind the directory',
    laidOut({ behindDirectory: 'hidden' }),
    /does not reach to its end record/,
  ),
  refused(
    'bytes behind the end record',
    laidOut({ suffix: 'x' }),
    /no end record stands in its last 22 bytes/,
  ),
  refused('22 bytes behind the end record', laidOut({ suffix: Buffer.alloc(22) }), /no end record/),
  refused(
    'bytes before the first entry',
    laidOut({ prefix: '#!/bin/sh\n' }),
    /is a text file|not a whole safetensors/,
  ),
  refused(
    'a local header before the first entry',
    laidOut({ prefix: localOf('x') }),
    /does not reach to its end record/,
  ),
  refused(
    'an offset that counts what was put before',
    laidOut({ prefix: localOf('x'), end: { offset: 1 } }),
    /does not reach/,
  ),
  refused(
    'two zip files in one',
    bytes(laidOut({}), saved(dictOf({ evil: tensor() }))),
    /does not reach to its end record/,
  ),
  refused(
    'a zip file in the comment of another',
    laidOut({ end: { comment: laidOut({}) } }),
    /expected|does not reach/,
  ),
]

function localOf(name: string): Buffer {
  return zip([{ name, hidden: true }]).subarray(0, 30 + name.length)
}

const ends: Attack[] = [
  refused('an end record alone', zip([]), /zip file without entries/),
  refused('the mark of several parts', bytes('PK\x07\x08', laidOut({})), /one of several parts/),
  refused('a comment', laidOut({ end: { comment: 'hello' } }), /no end record stands in its last 22 bytes/),
  refused(
    'a comment that is an end record',
    laidOut({ end: { comment: zip([]) } }),
    /cannot hold|does not reach/,
  ),
  refused('a comment that is announced', laidOut({ end: { commentLength: 5 } }), /announces a comment/),
  refused(
    'two end records',
    laidOut({ suffix: laidOut({}).subarray(-22) }),
    /does not reach to its end record/,
  ),
  refused('more entries than there are', laidOut({ end: { entries: 5, entriesHere: 5 } }), /it is cut off/),
  refused(
    '65534 entries',
    laidOut({ end: { entries: 65534, entriesHere: 65534 } }),
    /cannot hold 65534 entries/,
  ),
  refused(
    'fewer entries than there are',
    laidOut({ end: { entries: 3, entriesHere: 3 } }),
    /its 3 entries take/,
  ),
  refused('entries on other disks', laidOut({ end: { entriesHere: 3 } }), /counts entries on other disks/),
  refused('disk 1', laidOut({ end: { disk: 1 } }), /one disk of several/),
  refused('a directory on disk 1', laidOut({ end: { directoryDisk: 1 } }), /one disk of several/),
  refused(
    'a directory past the file',
    laidOut({ end: { offset: 1 << 30 } }),
    /does not reach to its end record/,
  ),
  refused('a directory of 2^32 - 1 bytes', laidOut({ end: { length: 2 ** 32 - 1 } }), /does not reach/),
  refused(
    'a directory over everything',
    laidOut({ end: { offset: 0, length: laidOut({}).length - 22 } }),
    /does not begin with the signature/,
  ),
  refused('a longer directory', laidOut({ end: { offset: 0 } }), /does not reach/),
  refused('a file cut off', laidOut({}).subarray(0, -30), /no end record/),
  refused('the first 30 bytes', laidOut({}).subarray(0, 30), /no end record/),
  refused('the first 4 bytes', laidOut({}).subarray(0, 4), /the end record alone needs 22/),
]

const outside = /is not a plain relative path/
const names: Attack[] = [
  refused('a path up', named('archive/../../evil'), outside),
  refused('a path up first', named('../archive/data/1'), outside),
  refused('an absolute path', named('/archive/data/1'), outside),
  refused('a drive', named('C:\\archive\\data'), outside),
  refused('backslashes', named('archive\\data\\1'), outside),
  refused('a folder', named('archive/data/'), outside),
  refused('a dot', named('./archive/data/1'), outside),
  refused('two slashes', named('archive//data/1'), outside),
  refused('a NUL', named('archive/data/1\0.txt'), outside),
  refused('an entry without a name', named(''), outside),
  refused('an entry whose name is not UTF-8', named('archive/\xff'), /name is not UTF-8/),
  refused('an overlong UTF-8 slash', named('archive/..\xc0\xaf'), /name is not UTF-8/),
  refused(
    'an entry in another folder',
    named('evil/data/1'),
    /"evil\/data\/1" is outside its folder archive/,
  ),
  refused('an entry beside the folder', named('archive'), /is outside its folder/),
  refused('an entry of a folder that begins alike', named('archive2/data/1'), /is outside its folder/),
  refused('a second pickle', named('evil/data.pkl'), /has 2 records FOLDER\/data\.pkl, expected one/),
  refused('no pickle', zip([order, storage, version]), /has 0 records FOLDER\/data\.pkl/),
  refused('a pickle without a folder', zip([{ ...data, name: 'data.pkl' }]), /has 0 records/),
  refused('a pickle too deep', zip([{ ...data, name: 'a/b/data.pkl' }]), /has 0 records/),
  refused('a TorchScript archive', named('archive/constants.pkl'), /TorchScript archive/),
  inert('code beside the pickle', named('archive/code/__torch__.py'), w),
]

const records: Attack[] = [
  refused(
    'a pickle that goes on',
    torchZip(bytes(pickled, 'cos\nsystem\n.')),
    /data\.pkl goes on for 12 bytes/,
  ),
  refused('an empty pickle', torchZip(''), /it ends at byte 0, before it is whole/),
  refused('a zip file for a pickle', torchZip(laidOut({})), /PERSID/),
  refused('version 0', zip([data, storage, { ...version, data: '0' }]), /its version is "0"/),
  refused('version 1000', zip([data, storage, { ...version, data: '1000' }]), /its version is "1000"/),
  refused('a version of text', zip([data, storage, { ...version, data: '3; rm' }]), /its version is "3; rm"/),
  refused(
    'a long version',
    zip([data, storage, { ...version, data: '3'.repeat(1000) }]),
    /record 'version' has 1000 bytes/,
  ),
  refused('a big-endian file', zip([data, { ...order, data: 'big' }, storage]), /its byteorder is "big"/),
  refused(
    'a byte order of text',
    zip([data, { ...order, data: unicode('little') }, storage]),
    /its byteorder is/,
  ),
]

export const ZIP_LAYOUT: readonly Attack[] = [...places, ...ends, ...names, ...records]
