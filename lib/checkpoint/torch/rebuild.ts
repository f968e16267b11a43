/**
 * PyTorch's own functions that pickles call to make tensors and what belongs to them, by the names in the
 * files (torch/_utils.py, torch/_tensor.py). Each makes a description; elements are read later, or never.
 */
import { Cost } from '../pickle/budget.js'
import { classes, functions } from '../pickle/globals.js'
import type { Machine, PickleFunction } from '../pickle/stack_machine.js'
import { kindOf, PickleDict, PickleGlobal, PickleTuple, type PickleValue } from '../pickle/values.js'
import { type ElementType, TORCH_DTYPES } from './dtypes.js'
import { makeView, PickleStorage, PickleTensor, sizeOf, sizesOf } from './storages.js'

type Args = readonly PickleValue[]

const FROM_NUMPY = unreadable('numpy', 'its elements are a numpy array of another device')

/** By 'module name'. */
export const TORCH_FUNCTIONS: ReadonlyMap<string, PickleFunction> = new Map([
  ...functions(['torch._utils'], {
    _rebuild_tensor: rebuildTensor,
    _rebuild_tensor_v2: rebuildTensor,
    _rebuild_tensor_v3: rebuildTensorV3,
    _rebuild_parameter: rebuildParameter,
    _rebuild_parameter_with_state: rebuildParameter,
    _rebuild_qtensor: unreadable('quantized', 'it is quantized; dequantize() it before it is saved'),
    _rebuild_sparse_tensor: unreadable('sparse', 'it is sparse; to_dense() it before it is saved'),
    _rebuild_sparse_csr_tensor: unreadable('sparse', 'it is sparse; to_dense() it before it is saved'),
    _rebuild_nested_tensor: unreadable('nested', 'it is a nested tensor'),
    _rebuild_meta_tensor_no_storage: unreadable('meta', 'it is on the meta device and has no elements'),
    _rebuild_wrapper_subclass: unreadable('wrapper', 'it is a wrapper around other tensors'),
    _rebuild_device_tensor_from_cpu_tensor: rebuildFromCpu,
    _rebuild_device_tensor_from_numpy: FROM_NUMPY,
    _rebuild_xla_tensor: FROM_NUMPY,
  }),
  ...functions(['torch._tensor', 'torch.tensor'], {
    _rebuild_from_type: rebuildFromType,
    _rebuild_from_type_v2: rebuildFromType,
  }),
  ...functions(['torch.serialization'], { _get_layout: ([layout]) => layout ?? null }),
  ...classes(['torch'], { Size: makeSize, device: makeDevice }),
  ...classes(['torch.autograd.variable'], {
    Variable: ([data = null], machine) => rebuildParameter([data, false], machine),
  }),
  ...classes(['torch.nn.parameter', 'torch.nn'], { Parameter: rebuildParameter, Buffer: rebuildParameter }),
])

/** (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]]) */
function rebuildTensor(args: Args, machine: Machine): PickleValue {
  const [storage, offset, shape, strides, requiresGrad, , metadata, ...rest] = args
  if (args.length < 4 || rest.length > 0) machine.fail(`a tensor is rebuilt from ${args.length} arguments`)
  const { element } = storageOf(storage, machine)
  return rebuild(
    storageOf(storage, machine),
    element,
    [offset, shape, strides, requiresGrad, metadata],
    machine,
  )
}

/** (storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata]) */
function rebuildTensorV3(args: Args, machine: Machine): PickleValue {
  const [storage, offset, shape, strides, requiresGrad, , dtype, metadata, ...rest] = args
  if (args.length < 7 || rest.length > 0) machine.fail(`a tensor is rebuilt from ${args.length} arguments`)
  const element = elementOf(dtype, machine)
  return rebuild(
    storageOf(storage, machine),
    element,
    [offset, shape, strides, requiresGrad, metadata],
    machine,
  )
}

function rebuild(
  storage: PickleStorage,
  element: ElementType,
  [offset, shape, strides, requiresGrad = false, metadata = null]: (PickleValue | undefined)[],
  machine: Machine,
): PickleTensor {
  if (typeof requiresGrad !== 'boolean') machine.fail(`requires_grad of a tensor is ${kindOf(requiresGrad)}`)
  if (metadata !== null && !(metadata instanceof PickleDict)) {
    machine.fail(`the metadata of a tensor is ${kindOf(metadata)}, expected a dict`)
  }
  machine.budget.take(4 * Cost.object)
  const tensor = makeView(
    storage,
    element,
    {
      offset: sizeOf(offset, 'the offset of a tensor', machine),
      shape: sizesOf(shape, 'the shape of a tensor', machine),
      strides: sizesOf(strides, 'the strides of a tensor', machine),
      requiresGrad: requiresGrad === true,
    },
    machine,
  )
  const lazy =
    metadata instanceof PickleDict && (metadata.get('neg') === true || metadata.get('conj') === true)
  if (!lazy) return tensor
  return new PickleTensor({ ...tensor, unreadable: 'it is a negated or conjugated view; clone() it' })
}

/** (tensor[, requires_grad, backward_hooks[, state]]) */
function rebuildParameter([data, requiresGrad = true]: Args, machine: Machine): PickleValue {
  const tensor = tensorOf(data, machine)
  if (typeof requiresGrad !== 'boolean')
    machine.fail(`requires_grad of a parameter is ${kindOf(requiresGrad)}`)
  machine.budget.take(Cost.object)
  return new PickleTensor({ ...tensor, requiresGrad: requiresGrad === true })
}

/** (cpu_tensor, dtype, device, requires_grad): of XLA and other devices without storages, which save a copy. */
function rebuildFromCpu([data, dtype, , requiresGrad = false]: Args, machine: Machine): PickleValue {
  const tensor = tensorOf(data, machine)
  const { name } = elementOf(dtype, machine)
  const converted =
    name === tensor.dtype ? null : `it is of ${name} on its device, and was saved as ${tensor.dtype}`
  if (typeof requiresGrad !== 'boolean') machine.fail(`requires_grad of a tensor is ${kindOf(requiresGrad)}`)
  machine.budget.take(Cost.object)
  return new PickleTensor({
    ...tensor,
    requiresGrad: requiresGrad === true,
    unreadable: tensor.unreadable ?? converted,
  })
}

/** (function, class, args, state): a tensor of a subclass, or with attributes, which are left out. */
function rebuildFromType([rebuilder, of, args]: Args, machine: Machine): PickleValue {
  if (
    !(rebuilder instanceof PickleGlobal) ||
    !(of instanceof PickleGlobal) ||
    !(args instanceof PickleTuple)
  ) {
    const found = [rebuilder, of, args].map(kindOf).join(', ')
    return machine.fail(`a tensor is rebuilt by ${found}, expected a function, a class and a tuple`)
  }
  return tensorOf(machine.call(rebuilder, args.items), machine)
}

/** A tensor that is listed with the reason why it cannot be read. */
function unreadable(dtype: string, reason: string) {
  return (_: Args, machine: Machine): PickleValue => {
    machine.budget.take(Cost.object)
    return new PickleTensor({ dtype, shape: [], view: null, requiresGrad: false, unreadable: reason })
  }
}

/** torch.Size is a tuple. */
function makeSize([sizes = new PickleTuple([]), ...rest]: Args, machine: Machine): PickleValue {
  const items = sizes instanceof PickleTuple ? sizes.items : sizes
  if (!Array.isArray(items) || rest.length > 0) return machine.fail(`torch.Size is made of ${kindOf(sizes)}`)
  machine.budget.take(Cost.tuple + Cost.slot * items.length)
  return new PickleTuple(items)
}

/** torch.device('cuda', 0) is 'cuda:0'. */
function makeDevice([type, index = null, ...rest]: Args, machine: Machine): PickleValue {
  const counted = index === null || typeof index === 'number'
  if (typeof type !== 'string' || !counted || rest.length > 0) {
    return machine.fail(`torch.device is made of ${kindOf(type)} and ${kindOf(index)}`)
  }
  machine.budget.take(Cost.string + 2 * type.length)
  return index === null ? type : `${type}:${index}`
}

function storageOf(value: PickleValue | undefined, machine: Machine): PickleStorage {
  if (value instanceof PickleStorage) return value
  return machine.fail(`a tensor is rebuilt on ${kindOf(value)}, expected a storage of this file`)
}

function tensorOf(value: PickleValue | undefined, machine: Machine): PickleTensor {
  if (value instanceof PickleTensor) return value
  return machine.fail(`a tensor is rebuilt from ${kindOf(value)}, expected a tensor`)
}

function elementOf(value: PickleValue | undefined, machine: Machine): ElementType {
  const known =
    value instanceof PickleGlobal && value.module === 'torch' ? TORCH_DTYPES.get(value.name) : undefined
  return known ?? machine.fail(`the dtype of a tensor is ${kindOf(value)}, expected a dtype of torch`)
}
