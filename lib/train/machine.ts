/** What a run computes on: told at its start, so that numbers of speed mean something later. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { native } from '../binding.js'
import { devices } from '../device.js'

export interface Machine {
  /** The processor's own name, and how many of it the process may use. */
  processor: string
  processors: number
  memoryBytes: number
  /** 'cpu' or 'cuda:N', and the GPU's own name. */
  device: string
  gpu: string | null
  /** 'linux x64' */
  system: string
  node: string
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
