/** What a run computes on: told at its start, so that numbers of speed mean something later. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { native } from '../binding.js'
import { devices } from '../device.js'

/** What a run computes on. */
export interface Machine {
  /** The processor's own name. */
  processor: string
  /** Processors that this process may use. */
  processors: number
  /** Of the machine. */
  memoryBytes: number
  /** 'cpu' or 'cuda:N' */
  device: string
  /** The GPU's own name; null: the CPU computes. */
  gpu: string | null
  /** 'linux x64' */
  system: string
  /** Version of Node.js. */
  node: string
  /** Version of libtorch. */
  libtorch: string
}

/** @param device of the module that is trained */
export async function machineOf(device: string): Promise<Machine> {
  const gpu = device === 'cpu' ? undefined : (await devices()).find(({ name }) => name === device)
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    device,
    gpu: gpu?.model ?? null,
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    libtorch: native().version().compiled,
  }
}
