/** A trained head for other classes: each row belongs to a name and goes where that name is. */
import { native } from '../binding.js'
import type { Adaptation } from '../checkpoint/adapt/adaptation.js'
import type { LoadReport } from '../checkpoint/naming/report.js'
import { scope } from '../dispose.js'
import { Tensor } from '../tensor.js'
import type { BeitForImageClassification } from './beit_for_image_classification.js'
import type { ModuleOptions } from './module_options.js'

const HEAD = ['head.weight', 'head.bias'] as const

/**
 * Brings the rows of the head of `model`, which are those of the classes `before`, to its `labels`: a row of
 * the same name is taken, any other gets the initial values of a new head. Says so in `loadReport`. Disposes the
 * model when that fails.
 */
export async function headByName(
  model: BeitForImageClassification,
  before: readonly string[],
  options: Required<ModuleOptions>,
): Promise<void> {
  const labels = model.labels as readonly string[]
  if (labels.every((label, id) => label === before[id])) return
  const rowOf = new Map(before.map((label, row) => [label, row]))
  const rows = labels.map((label) => rowOf.get(label) ?? null)
  try {
    await scope(async () => {
      const state = await model.stateDict()
      const fresh = rows.includes(null) ? await freshHead(model, options) : state
      const moved = new Map<string, Tensor>()
      for (const name of HEAD) moved.set(name, await withRows(state.get(name), fresh.get(name), rows))
      await model.loadStateDict(moved, { strict: false })
      report(model, moved, before, rows)
    })
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** Tensors of a new model of one block: its head does not depend on the number of them. */
async function freshHead(model: BeitForImageClassification, options: Required<ModuleOptions>) {
  const handle = await native().moduleCreate(
    'beit_for_image_classification',
    { ...model.config, depth: 1 },
    options,
  )
  const { names, tensors } = await native().moduleState(handle)
  // The tensors outlive the module.
  native().dispose(handle)
  return new Map(tensors.map((tensor, i) => [names[i] as string, new Tensor(tensor)]))
}

/** Row i is row `rows[i]` of `trained`, of `fresh` its own where that is null. (C, D) or (C). */
async function withRows(
  trained: Tensor | undefined,
  fresh: Tensor | undefined,
  rows: readonly (number | null)[],
): Promise<Tensor> {
  if (trained === undefined || fresh === undefined) throw new Error('a classifier without a head')
  const [from, result] = [await trained.toTypedArray(), await fresh.toTypedArray()]
  const width = from.length / rows.length
  rows.forEach((row, id) => {
    const values = from.subarray((row ?? 0) * width, ((row ?? 0) + 1) * width)
    if (row !== null) (result as Float32Array).set(values as Float32Array, id * width)
  })
  return Tensor.from(result, [...trained.shape], { dtype: trained.dtype, device: trained.device })
}

function report(
  model: BeitForImageClassification,
  head: ReadonlyMap<string, Tensor>,
  before: readonly string[],
  rows: readonly (number | null)[],
): void {
  const shapes = Object.fromEntries([...head].map(([name, { shape }]) => [name, shape]))
  const kept = rows.filter((row) => row !== null).length
  const line =
    `head by name: ${kept} of ${rows.length} classes have the rows of these names, the others begin anew ` +
    `(the file has ${before.slice(0, 3).join(', ')}${before.length > 3 ? ', ...' : ''})`
  const adaptation: Adaptation = { what: 'initialised', from: shapes, to: shapes, line }
  const given = model.loadReport as LoadReport
  model.loadReport = {
    ...given,
    adaptations: [...given.adaptations, adaptation],
    lines: [...given.lines, line],
  }
}
