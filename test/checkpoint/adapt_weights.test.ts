/** Resized positions and resampled patches against SciPy, PyTorch and the original's own result. */
import { equal, is, ok } from 'uvu/assert'
import { adaptState, type CompleteArchitecture } from '../../lib/checkpoint/adapt/adapt.js'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { named, randomNumbers, relativeError, tensorsOf } from '../support/tensors.js'

const test = suite('adapted weights')
const TABLE = 'rel_pos_bias.relative_position_bias_table'
const PATCHES = 'patch_embed.proj.weight'
const PATCH = 4
type Pair = readonly [number, number]

test("a table from 14x14 to 24x24 is the original's", async () => {
  const tensors = await tensorsOf(fixture('rel_pos_14_to_24.safetensors'))
  const resized = await relative(named(tensors, 'table'), [14, 14], [24, 24])
  const error = await relativeError(resized, named(tensors, 'interpolated'))
  ok(error <= 1e-6, `relative error ${error}`)
})

test('squares and rectangles, larger and smaller, and patches equal the references', async () => {
  const tensors = await tensorsOf(fixture('adaptation.safetensors'))
  const cases = [...tensors.keys()].filter((name) => name.endsWith('.given')).map((name) => name.slice(0, -6))
  is(cases.length, 10)
  for (const name of cases) {
    const [kind, before, after] = name.split('.') as [string, string, string]
    const given = named(tensors, `${name}.given`)
    const adapted =
      kind === 'relative'
        ? await relative(given, sides(before), sides(after))
        : kind === 'absolute'
          ? await absolute(given, sides(before), sides(after))
          : await patches(given, Number(before), Number(after))
    const error = await relativeError(adapted, named(tensors, `${name}.expected`))
    ok(error <= (kind === 'relative' ? 1e-4 : 1e-6), `${name}: relative error ${error}`)
  }
})

test('a smooth table that grows and shrinks again is nearly what it was', async () => {
  for (const [small, large] of [
    [
      [14, 14],
      [24, 24],
    ],
    [
      [8, 8],
      [9, 9],
    ],
    [
      [6, 10],
      [12, 11],
    ],
  ] as [Pair, Pair][]) {
    const table = smoothTable(small)
    const back = await relative(await relative(table, small, large), large, small)
    const error = await relativeError(back, table)
    ok(error < 2e-3, `${small} to ${large} and back: ${error}`)
  }
})

test('near offsets keep their bias, the farthest goes to the farthest, class rows stay', async () => {
  // The bias is the offset down: after the resize, one patch down is one still, and 23 down is what 13 was.
  const rampOf = ([rows, columns]: Pair) =>
    Array.from({ length: (2 * rows - 1) * (2 * columns - 1) }, (_, i) =>
      Math.abs(Math.floor(i / (2 * columns - 1)) - rows + 1),
    )
  const grown = await relative(column([...rampOf([14, 14]), 7, 8, 9]), [14, 14], [24, 24])
  const values = await grown.toFloat32()
  const at = (down: number) => values[(down + 23) * 47 + 23] as number
  for (const [down, expected] of [
    [0, 0],
    [1, 1],
    [-1, 1],
    [23, 13],
    [-23, 13],
  ] as const) {
    ok(Math.abs(at(down) - expected) < 1e-3, `${down} down: ${at(down)}, expected ${expected}`)
  }
  equal([...values.slice(-3)], [7, 8, 9])
  const shrunk = await (
    await relative(column([...rampOf([24, 24]), 7, 8, 9]), [24, 24], [14, 14])
  ).toFloat32()
  const centre = 13 * 27 + 13
  ok(Math.abs((shrunk[centre + 27] as number) - 1) < 1e-3)
  ok(Math.abs((shrunk[centre + 13 * 27] as number) - 23) < 1e-3)
})

test('windows of one to three patches work, and nothing overshoots', async () => {
  for (const side of [1, 2, 3]) {
    const rows = (2 * side - 1) ** 2 + 3
    const table = column(Array.from(randomNumbers(rows, side)))
    for (const to of [1, 2, 5, 14]) {
      const values = await (await relative(table, [side, side], [to, to])).toFloat32()
      is(values.length, (2 * to - 1) ** 2 + 3)
      ok(
        values.every((x) => x > -2 && x < 3),
        `${side} to ${to}: ${Math.min(...values)} to ${Math.max(...values)}`,
      )
    }
  }
})

test('an enlarged patch embedding keeps the sum of each filter: a flat image looks the same', async () => {
  const given = Tensor.from(randomNumbers(2 * 3 * 8 * 8), [2, 3, 8, 8])
  const sums = async (weight: Tensor) => {
    const values = await weight.toFloat32()
    const size = values.length / 6
    return Array.from({ length: 6 }, (_, i) =>
      values.slice(i * size, (i + 1) * size).reduce((sum, x) => sum + x, 0),
    )
  }
  const before = await sums(given)
  for (const side of [9, 14, 16, 32]) {
    const after = await sums(await patches(given, 8, side))
    for (const [i, sum] of before.entries()) ok(Math.abs(sum - (after[i] as number)) < 1e-4, `${side}`)
  }
})

test('a result has the dtype of what it was made of', async () => {
  const table = await smoothTable([4, 4]).to({ dtype: 'bfloat16' })
  const resized = await relative(table, [4, 4], [5, 6])
  is(resized.dtype, 'bfloat16')
  equal(resized.shape, [9 * 11 + 3, 1])
})

test('a tensor that is not of the configuration is refused', async () => {
  await rejects(
    relative(column([1, 2, 3, 4, 5]), [4, 4], [5, 5]),
    'ERR_CHECKPOINT_MISMATCH',
    /of 4 x 4 patches has shape \[52, heads\], got \[5, 1\]/,
  )
  await rejects(
    absolute(Tensor.from(new Float32Array(40), [1, 10, 4]), [4, 4], [5, 5]),
    'ERR_CHECKPOINT_MISMATCH',
    /of 4 x 4 patches have shape \[1, 17, hidden\], got \[1, 10, 4\]/,
  )
  await rejects(
    patches(Tensor.from(new Float32Array(48), [2, 3, 8]), 8, 4),
    'ERR_CHECKPOINT_MISMATCH',
    /patch embedding have shape \[hidden, 3, side, side\], got \[2, 3, 8\]/,
  )
})

test.run()

/** The configuration of a model of this grid. */
function config([rows, columns]: Pair, more: Partial<CompleteArchitecture> = {}): CompleteArchitecture {
  const patchSize = more.patchSize ?? PATCH
  return resolveBeitConfig({ ...more, patchSize, imageSize: [rows * patchSize, columns * patchSize] })
}

async function adapted(
  name: string,
  given: Tensor,
  before: CompleteArchitecture,
  after: CompleteArchitecture,
): Promise<Tensor> {
  const { state } = await adaptState(
    new Map([[name, given]]),
    before,
    after,
    'beit_for_masked_image_modeling',
  )
  return named(state, name)
}

const relative = (table: Tensor, from: Pair, to: Pair) => adapted(TABLE, table, config(from), config(to))

const absolute = (positions: Tensor, from: Pair, to: Pair) => {
  const switches = { absolutePositions: true, relativePositions: 'none' } as const
  return adapted('pos_embed', positions, config(from, switches), config(to, switches))
}

const patches = (weight: Tensor, from: number, to: number) => {
  const of = (patchSize: number) => config([2, 2], { patchSize, relativePositions: 'none' })
  return adapted(PATCHES, weight, of(from), of(to))
}

/** "4x7" -> [4, 7] */
const sides = (text: string) => text.split('x').map(Number) as unknown as Pair

/** A table of one head. */
const column = (values: readonly number[]) => Tensor.from(Float32Array.from(values), [values.length, 1])

function smoothTable([rows, columns]: Pair): Tensor {
  const values: number[] = []
  for (let down = 1 - rows; down < rows; down++) {
    for (let right = 1 - columns; right < columns; right++) {
      values.push(Math.cos((2 * down) / rows) * Math.exp(-((right / columns) ** 2)) + (0.2 * right) / columns)
    }
  }
  return column([...values, 1, 2, 3])
}
