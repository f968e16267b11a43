/** Blockwise masks by their CUDA kernel: for the emulator and for GPUs. */
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { type MaskOptions, maskSettings } from '../../lib/data/masks.js'
import { Tensor } from '../../lib/tensor.js'
import { run } from '../ops/compare.js'

export interface MaskCase {
  grid: readonly [number, number]
  options: MaskOptions
  seed: number
  epoch: number
}

export const MASK_CASES: readonly MaskCase[] = [
  { grid: [14, 14], options: {}, seed: 0, epoch: 0 },
  { grid: [14, 14], options: { mode: 'exact' }, seed: 1, epoch: 7 },
  { grid: [14, 14], options: { mode: 'random' }, seed: 2, epoch: 1 },
  {
    grid: [12, 20],
    options: { patches: 90, minPatchesPerBlock: 4, maxPatchesPerBlock: 30, minAspect: 0.1 },
    seed: 2 ** 52 + 1,
    epoch: 300,
  },
  { grid: [24, 24], options: { mode: 'exact', patches: 230, minPatchesPerBlock: 9 }, seed: 4, epoch: 0 },
]

/** Fails unless the kernel draws the masks of the CPU, of samples that are far apart. */
export async function sameMasks(
  { grid, options, seed, epoch }: MaskCase,
  count: number,
  device: string,
  byKernel: <T>(body: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const settings = maskSettings(grid, options)
  const samples = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? i : i * 1_000_003))
  const expected = native().blockwiseMask(settings, seed, epoch, samples)
  const indices = await Tensor.from(BigInt64Array.from(samples, BigInt), [count]).to({ device })
  const numbers = {
    mode: ['original', 'exact', 'random'].indexOf(settings.mode),
    rows: grid[0],
    columns: grid[1],
    patches: settings.patches,
    minPatchesPerBlock: settings.minPatchesPerBlock,
    maxPatchesPerBlock: settings.maxPatchesPerBlock ?? settings.patches,
    minAspect: settings.minAspect,
    seed,
    epoch,
  }
  for (const optimize of ['auto', 'off'] as const) {
    const { outputs } = await byKernel(() => run('blockwise_masks', [indices], numbers, { optimize }))
    const masks = outputs[0] as Tensor
    equal([masks.shape, masks.dtype], [[count, grid[0] * grid[1]], 'bool'])
    // Not the arrays themselves: what uvu prints of two that differ takes it minutes to make.
    is(Buffer.compare((await masks.toTypedArray()) as Uint8Array, expected), 0, optimize)
  }
}
