/** What the readers of PyTorch's containers give: the pickled object, its storages located in the file. */
import { PYTHON_FUNCTIONS } from '../pickle/globals.js'
import type { PickleFunctions } from '../pickle/stack_machine.js'
import type { PickleValue } from '../pickle/values.js'
import { TORCH_FUNCTIONS } from './rebuild.js'

export interface TorchFile {
  readonly container: 'zip' | 'legacy' | 'pickle'
  readonly root: PickleValue
}

/** All that a pickle of torch.save may call. */
export const CHECKPOINT_FUNCTIONS: PickleFunctions = new Map([...PYTHON_FUNCTIONS, ...TORCH_FUNCTIONS])
