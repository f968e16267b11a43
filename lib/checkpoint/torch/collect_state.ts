/**
 * The weights in a pickled object: the state dict itself, one under a key that training scripts use, or the
 * parameters and buffers of a pickled module, named as PyTorch's Module.state_dict() names them.
 */
import { BeitError } from '../../errors.js'
import { kindOf, PickleDict, type PickleValue } from '../pickle/values.js'
import { classesIn, statesIn } from './pickled_states.js'
import { StateCollector, shorten } from './state_collector.js'
import type { PickleTensor } from './storages.js'

/** Where weights stand in the files of training scripts, the likeliest first. */
const KEYS = [
  ...['model', 'state_dict', 'model_state_dict', 'module', 'net', 'network'],
  ...['model_ema', 'model_ema_state_dict', 'state_dict_ema', 'ema', 'weights'],
]

/** The weights, by name in the order of the file. */
export interface CollectedState {
  /** The key they stood under; null: they are the object itself. */
  readonly picked: string | null
  readonly tensors: Map<string, PickleTensor>
  readonly notes: string[]
}

/**
 * @param name of the file, for messages
 * @param pick the key of the weights, 'a.b' for a key within; null: the likeliest
 * @throws BeitError ERR_INVALID_ARGUMENT when there is nothing under `pick`, ERR_FORMAT for weights that an
 * unknown function makes
 */
export function collectState(root: PickleValue, name: string, pick: string | null): CollectedState {
  const collector = new StateCollector(name)
  if (pick !== null) {
    const value = valueAt(root, pick, name)
    return {
      picked: pick,
      tensors: collector.state(value) ?? collector.anything(value),
      notes: collector.notes,
    }
  }
  if (root instanceof PickleDict) {
    const keys = [...root.entries()].map(([key]) => key).filter((key) => typeof key === 'string')
    for (const key of KEYS) {
      const tensors = collector.state(root.get(key) ?? null)
      if (tensors === null) continue
      const others = keys.filter((other) => other !== key)
      const note = `took the weights under '${key}'; beside them there are ${shorten(others) || 'no others'}`
      return { picked: key, tensors, notes: [note, ...collector.notes] }
    }
  }
  const own = collector.state(root)
  if (own !== null) return { picked: null, tensors: own, notes: collector.notes }
  const tensors = collector.anything(root)
  if (tensors.size === 0) return { picked: null, tensors, notes: [nothingIn(root)] }
  const states = statesIn(root)
  const choice = states.length > 0 ? `; to take those under one key, pick one of ${shorten(states)}` : ''
  return {
    picked: null,
    tensors,
    notes: [`no state dict was found: took every tensor, by its place${choice}`],
  }
}

/** What there is where weights were expected, since it may be weights to some other library. */
function nothingIn(root: PickleValue): string {
  const key = KEYS.find((name) => root instanceof PickleDict && root.get(name) !== undefined)
  const place = root instanceof PickleDict && key !== undefined ? root.get(key) : root
  const classes = classesIn(place ?? null)
  if (classes.length === 0) return 'it holds no tensor'
  return `it holds no tensor; ${key === undefined ? 'in it' : `under '${key}'`} are objects of ${shorten(classes)}`
}

function valueAt(root: PickleValue, pick: string, name: string): PickleValue {
  const found = root instanceof PickleDict ? root.get(pick) : undefined
  if (found !== undefined) return found
  let value: PickleValue = root
  for (const part of pick.split('.')) {
    const next = value instanceof PickleDict ? value.get(part) : undefined
    if (next === undefined) {
      const there =
        root instanceof PickleDict
          ? `there are ${shorten([...root.entries()].map(([key]) => keyName(key)))}`
          : `it is ${kindOf(root)}`
      throw new BeitError('ERR_INVALID_ARGUMENT', `pick: ${name} has nothing under '${pick}'; ${there}`)
    }
    value = next
  }
  return value
}

const keyName = (key: PickleValue) => (typeof key === 'string' ? key : kindOf(key))
