/** Files put together from pieces, and what tensors share. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { openCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('file pieces')

test('bytes, tensors and ranges of their memory, one after the other, checksums put in last', () =>
  scope(async () => {
    const path = join(temporary(), 'file')
    const tensor = Tensor.from(Uint8Array.of(1, 2, 3, 4, 5))
    await native().piecesToFile(path, [
      { bytes: Buffer.alloc(10, 9) },
      { tensor: tensor.handle, crcAt: [0, 6] },
      { bytes: new Uint8Array(0) },
      { tensor: tensor.handle, range: [1, 4] },
      { tensor: tensor.handle, range: [5, 5] },
    ])
    const crc = Buffer.alloc(4)
    crc.writeUInt32LE(native().crc32(Uint8Array.of(1, 2, 3, 4, 5), 0, true))
    equal([...readFileSync(path)], [...crc, 9, 9, ...crc, 1, 2, 3, 4, 5, 2, 3, 4])
  }))

test('a tensor larger than a chunk, transposed, is written in row-major order', () =>
  scope(async () => {
    const path = join(temporary(), 'file')
    const file = await openCheckpoint(fixture('pth_zip.pth'))
    const records = [...file.tensors.values()].filter(({ shape, strides }) => {
      return shape.length === 2 && (strides[0] as number) < (strides[1] as number)
    })
    const [transposed] = await file.read(records)
    if (transposed === undefined) throw new Error('the fixture has no transposed tensor')
    await native().piecesToFile(path, [{ tensor: transposed.handle }])
    const elements = await transposed.toTypedArray()
    equal(readFileSync(path), Buffer.from(elements.buffer))

    const large = Tensor.from(Float32Array.from({ length: 1_000_003 }, (_, i) => i))
    await native().piecesToFile(`${path}2`, [{ tensor: large.handle, crcAt: [0] }])
    const written = readFileSync(`${path}2`)
    const expected = Buffer.from((await large.toTypedArray()).buffer)
    equal(written.readUInt32LE(0), native().crc32(expected, 0, true))
    equal(written.subarray(4), expected.subarray(4))
  }))

test('a range outside the memory of a tensor, and a file that is there, are refused', () =>
  scope(async () => {
    const folder = temporary()
    const tensor = Tensor.from(Uint8Array.of(1, 2, 3))
    for (const range of [
      [0, 4],
      [-1, 2],
      [2, 1],
    ] as [number, number][]) {
      await rejects(
        native().piecesToFile(join(folder, range.join()), [{ tensor: tensor.handle, range }]),
        'ERR_INVALID_ARGUMENT',
        /are not in a storage of 3/,
      )
    }
    await native().piecesToFile(join(folder, 'once'), [])
    await rejects(native().piecesToFile(join(folder, 'once'), []), 'ERR_IO', /cannot open .*once.*exists/)
  }))

test('layouts tell storage, offset, strides, and views of a model from copies', () =>
  scope(async () => {
    const matrix = Tensor.from([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const model = await BeitForMaskedImageModeling.create({
      imageSize: 32,
      patchSize: 16,
      hiddenSize: 12,
      depth: 1,
      heads: 2,
      vocabSize: 4,
    })
    const [first, second] = [await model.stateDict(), await model.stateDict()]
    const layouts = await native().tensorLayouts(
      [matrix, await matrix.to({}), matrix, first.get('cls_token'), second.get('cls_token')].map(
        (tensor) => (tensor as Tensor).handle,
      ),
    )
    equal(
      layouts.map(({ storage }) => storage),
      [0, 1, 0, 3, 3],
    )
    equal(layouts[0], { storage: 0, offset: 0, strides: [3, 1], dense: true })
  }))

test.run()
