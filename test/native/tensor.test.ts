import { inspect } from 'node:util'
import { equal, is, throws } from 'uvu/assert'
import { type DType, Tensor } from '../../lib/index.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('tensor')
const code = (expected: string, text: string) => (error: Error & { code?: string }) =>
  error.code === expected && error.message.includes(text)

test('every typed array comes back as it went in', async () => {
  const arrays = [
    [new Float32Array([1.5, -2, Number.POSITIVE_INFINITY]), 'float32'],
    [new Float64Array([1e300, -0]), 'float64'],
    [new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]), 'int64'],
    [new Int32Array([-(2 ** 31), 2 ** 31 - 1]), 'int32'],
    [new Int16Array([-32768, 32767]), 'int16'],
    [new Int8Array([-128, 127]), 'int8'],
    [new Uint8Array([0, 255]), 'uint8'],
  ] as const
  for (const [array, dtype] of arrays) {
    const tensor = Tensor.from(array)
    is(tensor.dtype, dtype)
    equal(tensor.shape, [array.length])
    equal(await tensor.toTypedArray(), array)
  }
})

test('the bytes are copied: changing the array later changes nothing', async () => {
  const array = new Float32Array([1, 2])
  const tensor = Tensor.from(array)
  array[0] = 9
  equal([...(await tensor.toFloat32())], [1, 2])
})

test('a view of part of a buffer gives that part', async () => {
  const whole = new Float32Array([1, 2, 3, 4])
  equal([...(await Tensor.from(whole.subarray(1, 3)).toFloat32())], [2, 3])
})

test('a bool is 0 or 1, whatever bytes it is made of', async () => {
  const mask = Tensor.from(new Uint8Array([0, 2, 255]), [3], { dtype: 'bool' })
  equal(await mask.toTypedArray(), new Uint8Array([0, 1, 1]))
})

test('nested arrays give shape and values; booleans too', async () => {
  const numbers = Tensor.from([
    [1, 2, 3],
    [4, 5, 6],
  ])
  equal(numbers.shape, [2, 3])
  equal([...(await numbers.toFloat32())], [1, 2, 3, 4, 5, 6])
  const mask = Tensor.from([[true, false]], undefined, { dtype: 'bool' })
  is(mask.dtype, 'bool')
  equal([...(await mask.toTypedArray())], [1, 0])
  equal([...(await Tensor.from([7], [], { dtype: 'int64' }).toTypedArray())], [7n])
})

test('empty tensors', async () => {
  const empty = Tensor.from(new Float32Array(0), [0, 3])
  is(empty.size, 0)
  is((await empty.toTypedArray()).length, 0)
})

test('float16 and bfloat16 are rounded as IEEE 754 and the bfloat16 format say, ties to even', async () => {
  const raw = async (value: number, dtype: 'float16' | 'bfloat16') =>
    (await (await Tensor.from([value]).to({ dtype })).toTypedArray())[0]
  is(await raw(1, 'float16'), 0x3c00)
  is(await raw(65504, 'float16'), 0x7bff)
  is(await raw(1, 'bfloat16'), 0x3f80)
  is(await raw(1 + 2 ** -8, 'bfloat16'), 0x3f80)
  is(await raw(1 + 3 * 2 ** -8, 'bfloat16'), 0x3f82)
  const halves = Tensor.from(new Uint16Array([0x3c00, 0xc000]), [2], { dtype: 'float16' })
  equal([...(await halves.toFloat32())], [1, -2])
})

test('sizes that do not fit the shape are refused with both numbers', () => {
  throws(() => Tensor.from(new Float32Array(5), [2, 3]), code('ERR_SHAPE_MISMATCH', '6 elements, got 5'))
  throws(() => Tensor.from([[1, 2], [3]]), code('ERR_SHAPE_MISMATCH', 'length'))
  throws(() => Tensor.from([[1], 2]), code('ERR_SHAPE_MISMATCH', 'depth'))
})

test('wrong kinds of data are refused', () => {
  throws(() => Tensor.from('text' as never), code('ERR_INVALID_ARGUMENT', 'data'))
  throws(() => Tensor.from(new Uint16Array(1)), code('ERR_INVALID_ARGUMENT', "'float16' or 'bfloat16'"))
  throws(
    () => Tensor.from(new Float32Array(1), [1], { dtype: 'int64' }),
    code('ERR_INVALID_ARGUMENT', 'BigInt64Array'),
  )
})

test('a shape is whole numbers that libtorch can count in', async () => {
  for (const shape of [[-1, -2], [0.5, 4], [NaN], ['2'], '2', new Array(65).fill(1), [2 ** 52, 2 ** 52, 0]]) {
    throws(
      () => Tensor.from([1, 2], shape as never),
      code('ERR_INVALID_ARGUMENT', 'shape must be an array of at most 64 sizes'),
    )
  }
  is(Tensor.from([1], new Array(64).fill(1)).shape.length, 64)
  is(inspect(Tensor.from([], [2 ** 50, 0])), 'Tensor(float32[1125899906842624, 0], cpu) []')
})

test('numbers that the dtype does not hold are refused, not turned into others', async () => {
  const refused: Partial<Record<DType, number[]>> = {
    uint8: [256, -1, 1.5, NaN],
    int8: [128, -129],
    int16: [2 ** 15],
    int32: [2 ** 31, -(2 ** 31) - 1, Infinity],
    int64: [2 ** 63, 0.5, NaN],
  }
  for (const [dtype, values] of Object.entries(refused)) {
    for (const value of values) {
      throws(
        () => Tensor.from([0, value], [2], { dtype: dtype as DType }),
        code('ERR_INVALID_ARGUMENT', `whole numbers that ${dtype} holds, got ${value}`),
      )
    }
  }
  const extremes = Tensor.from([-(2 ** 63), 2 ** 62], [2], { dtype: 'int64' })
  equal([...(await extremes.toTypedArray())], [-(2n ** 63n), 2n ** 62n])
  equal([...(await Tensor.from([-128, 127], [2], { dtype: 'int8' }).toTypedArray())], [-128, 127])
  const truths = Tensor.from([256, 0.5, 0, -1], [4], { dtype: 'bool' })
  equal([...(await truths.toTypedArray())], [1, 1, 0, 1])
})

test('arrays that hold themselves, and other oddities, are refused without an end of the process', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  throws(() => Tensor.from(cycle as never), code('ERR_SHAPE_MISMATCH', 'deeper than 64 times'))
  throws(() => Tensor.from([1n] as never), code('ERR_INVALID_ARGUMENT', 'got 1'))
  const odd = (options: unknown) => () => Tensor.from([1], [1], options as never)
  throws(odd(null), code('ERR_INVALID_ARGUMENT', 'the options of Tensor.from must be an object, got null'))
  throws(odd({ dtype: 'constructor' }), code('ERR_INVALID_ARGUMENT', 'dtype must be one of float32, '))
  throws(odd({ type: 'int8' }), code('ERR_INVALID_ARGUMENT', "no option 'type'; did you mean 'dtype'?"))
})

test('a device that is not there is refused at once', async () => {
  throws(() => Tensor.from([1], [1], { device: 'tpu' }), code('ERR_INVALID_ARGUMENT', "'cpu', 'cuda' or"))
  await rejects(Tensor.from([1]).to({ device: 'cuda:99' }), 'ERR_DEVICE', /'cuda:99' cannot be used/)
})

test.run()
