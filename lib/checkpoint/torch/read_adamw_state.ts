/** An optimizer's state_dict() of PyTorch, matched to the parameters of a model by its groups. */
import { BeitError } from '../../errors.js'
import { isPlainObject, type PlainData, type PlainObject, TensorRecord } from '../records.js'
import { adamWGroups, type NamedShape } from './adamw_groups.js'

/** Moments of one parameter in a file. */
export interface MomentRecords {
  name: string
  expAvg: TensorRecord
  expAvgSq: TensorRecord
  /** Since PyTorch 1.12 a tensor. */
  step: number | TensorRecord
}

export interface SavedAdamW {
  /** In the order of the parameters; empty when no update was made. */
  moments: MomentRecords[]
  /** Of each group that has them. */
  settings: { betas: readonly number[] | null; eps: number | null; weightDecay: number | null }[]
}

interface Group {
  ids: number[]
  settings: SavedAdamW['settings'][number]
}

/**
 * Tells which numbers of `optimizer` are which parameters: those of the original's two groups (in either
 * order), or of one group of all in state-dict order. Every shape is compared.
 *
 * @param optimizer the state dict
 * @param parameters in state-dict order
 * @param path of the file, for messages
 * @throws BeitError ERR_CHECKPOINT_MISMATCH with what does not fit
 */
export function readAdamWState(
  optimizer: PlainData,
  parameters: readonly NamedShape[],
  path: string,
): SavedAdamW {
  const refuse = (why: string) =>
    new BeitError('ERR_CHECKPOINT_MISMATCH', `${path}: its optimizer does not fit the model: ${why}`)
  if (!isPlainObject(optimizer)) throw refuse('it is no state_dict() of an optimizer')
  const groups = readGroups(optimizer.param_groups)
  if (groups === null) throw refuse('it has no param_groups with params')
  const entries = readEntries(optimizer.state)
  if (entries === null) throw refuse('it has no state by numbers of parameters')
  const settings = groups.map((group) => group.settings)
  const ids = groups.flatMap((group) => group.ids)
  const orders = possibleOrders(groups, parameters)
  if (orders.length === 0) {
    const [without, withDecay] = adamWGroups(parameters).map((group) => group.length)
    throw refuse(
      `its groups have ${groups.map((group) => group.ids.length).join(' and ')} parameters, expected ` +
        `${without} without weight decay and ${withDecay} with, or one group of ${parameters.length}`,
    )
  }
  if (entries.size === 0) return { moments: [], settings }
  const attempts = orders.map((order) => readMoments(entries, ids, order))
  const moments = attempts.find((attempt) => typeof attempt !== 'string')
  if (moments === undefined) throw refuse(attempts[0] as string)
  const places = new Map((moments as MomentRecords[]).map((moment) => [moment.name, moment]))
  return { moments: parameters.map(({ name }) => places.get(name) as MomentRecords), settings }
}

/** The orders of the parameters that give the groups their sizes. */
function possibleOrders(groups: readonly Group[], parameters: readonly NamedShape[]): NamedShape[][] {
  const sizes = groups.map((group) => group.ids.length)
  const [without, withDecay] = adamWGroups(parameters)
  return [[without, withDecay], [withDecay, without], [[...parameters]]]
    .filter((order) => order.length === sizes.length && order.every(({ length }, i) => length === sizes[i]))
    .map((order) => order.flat())
}

/** The moments in this order, or why they are not. */
function readMoments(
  entries: ReadonlyMap<number, PlainObject>,
  ids: readonly number[],
  order: readonly NamedShape[],
): MomentRecords[] | string {
  const moments: MomentRecords[] = []
  for (const [i, { name, shape }] of order.entries()) {
    const id = ids[i] as number
    const { step, exp_avg: expAvg, exp_avg_sq: expAvgSq, ...rest } = entries.get(id) ?? {}
    const what = `parameter ${id}, which is ${name},`
    if (!(expAvg instanceof TensorRecord && expAvgSq instanceof TensorRecord)) {
      return `${what} has no exp_avg and exp_avg_sq, as AdamW has them`
    }
    if (!(typeof step === 'number' || step instanceof TensorRecord)) return `${what} has no step`
    if ('max_exp_avg_sq' in rest)
      return `${what} has max_exp_avg_sq: it used amsgrad, which this library does not`
    for (const moment of [expAvg, expAvgSq]) {
      if (moment.shape.join() !== shape.join()) {
        return `${what} has moments of shape [${moment.shape.join(', ')}], expected [${shape.join(', ')}]`
      }
    }
    moments.push({ name, expAvg, expAvgSq, step })
  }
  return moments
}

function readGroups(value: PlainData | undefined): Group[] | null {
  if (!Array.isArray(value)) return null
  const groups = value.map((group): Group | null => {
    if (!isPlainObject(group) || !isNumbers(group.params)) return null
    const { params: ids, betas, eps, weight_decay: weightDecay } = group
    return {
      ids,
      settings: {
        betas: isNumbers(betas) ? betas : null,
        eps: typeof eps === 'number' ? eps : null,
        weightDecay: typeof weightDecay === 'number' ? weightDecay : null,
      },
    }
  })
  return groups.includes(null) ? null : (groups as Group[])
}

/** By number of the parameter. An empty dict has no keys to tell its kind by. */
function readEntries(value: PlainData | undefined): Map<number, PlainObject> | null {
  if (isPlainObject(value)) return Object.keys(value).length === 0 ? new Map() : null
  if (!(value instanceof Map)) return null
  const entries = [...value].filter(([id, entry]) => typeof id === 'number' && isPlainObject(entry))
  return entries.length === value.size ? new Map(entries as [number, PlainObject][]) : null
}

const isNumbers = (value: PlainData | undefined): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number')
