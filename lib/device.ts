/**
 * Where computation happens: the CPU and how many threads of it, or a GPU.
 */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { libtorchInUse, native } from './binding.js'
import { BeitError, invalidArgument } from './errors.js'

/** A device that models, tokenizers and tensors can be on. */
export interface DeviceInfo {
  /** What the `device` option takes: 'cpu' or 'cuda:N'. */
  name: string
  /** The processor's or GPU's own name. */
  model: string
  /** Of all of it, free or not. */
  memoryBytes: number
}

/**
 * Every device that can be used here; the CPU is the first.
 *
 * @example
 * const device = (await devices()).at(-1)?.name // a GPU where there is one
 */
export async function devices(): Promise<DeviceInfo[]> {
  const gpus = await native().cudaDevices()
  return [
    { name: 'cpu', model: cpus()[0]?.model.trim() ?? 'unknown CPU', memoryBytes: totalmem() },
    ...gpus.map(({ name, memoryBytes }, i) => ({ name: `cuda:${i}`, model: name, memoryBytes })),
  ]
}

/** Why no GPU can be used, or null when one can. */
export async function cudaProblem(): Promise<string | null> {
  const { cudaProblem: problem } = libtorchInUse()
  if (problem !== null) return problem
  if ((await native().cudaDevices()).length > 0) return null
  const visible = process.env.CUDA_VISIBLE_DEVICES
  const hint =
    visible === undefined ? 'is its driver new enough for this CUDA?' : `CUDA_VISIBLE_DEVICES is '${visible}'`
  return `libtorch sees no GPU (${hint})`
}

/**
 * The full name of a device that is there: 'cpu' or 'cuda:N' ('cuda' is 'cuda:0').
 * @throws ERR_DEVICE, with the reason, when it is not there; ERR_INVALID_ARGUMENT for another name
 */
export async function resolveDevice(device: string): Promise<string> {
  const name = checkDevice(device)
  if (name === 'cpu') return name
  const problem = await cudaProblem()
  if (problem !== null) throw notUsable(device, problem)
  const names = (await devices()).map((info) => info.name)
  if (!names.includes(name)) throw notUsable(device, `there are ${names.join(', ')}`)
  return name
}

/**
 * What can be told of a device without waiting: its full name, or the error where CUDA was not opened at all.
 */
export function checkDevice(device: string): string {
  if (device === 'cpu') return device
  const match = /^cuda(?::(\d+))?$/.exec(device)
  if (match === null) throw invalidArgument('device', "'cpu', 'cuda' or 'cuda:N'", device)
  const { cudaProblem: problem } = libtorchInUse()
  if (problem !== null) throw notUsable(device, problem)
  return `cuda:${match[1] ?? 0}`
}

const notUsable = (device: string, problem: string) =>
  new BeitError('ERR_DEVICE', `device '${device}' cannot be used: ${problem}`)

/** The most threads of one operation: the processors that this process may use. */
export const MOST_THREADS = availableParallelism()

/**
 * How many CPU threads one operation uses; with `count`, sets it for what runs from now on.
 * @param count 1 to the number of processors
 * @example
 * await threads(1) // from now on
 * console.log(await threads()) // 1
 */
export async function threads(count?: number): Promise<number> {
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MOST_THREADS)) {
    throw invalidArgument('threads', `an integer from 1 to ${MOST_THREADS}`, count)
  }
  return native().setThreads(count ?? 0)
}
