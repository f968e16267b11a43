/** Batches in pinned memory: the same images, and every block goes back once. Ordinary memory stands in for pinned. */
import { setTimeout as sleep } from 'node:timers/promises'
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { type BatchOptions, batches } from '../../lib/data/batches.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { maskSettings } from '../../lib/data/masks.js'
import { trainingViews } from '../../lib/data/view_settings.js'
import type { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { noGpu } from '../support/gpu.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('pinned memory')
const needs = { imageSize: [32, 32], tokenImageSize: [16, 16], maskGrid: [4, 4] } as const
const views = trainingViews(needs, { seed: 5, mask: maskSettings([4, 4]) })
const OPTIONS = { views, batchSize: 5, epochs: 2, threads: 2, seed: 3, prefetch: 2 } as const
const FILES = 10
const [BATCHES, TENSORS] = [4, 3]

/** Ten images, one of which is a JPEG that breaks off: its batch is taken over into new memory. */
async function images(): Promise<ImageFolder> {
  const files = await imageFiles(FILES)
  const broken = '0004.jpg'
  files.set(broken, (files.get(broken) as Buffer).subarray(0, 300))
  return ImageFolder.open(folderOf(files))
}

async function contents(options: Partial<BatchOptions>): Promise<string[]> {
  const list: string[] = []
  for await (const batch of batches(await images(), { ...OPTIONS, maxBrokenShare: 1, ...options })) {
    const tensors = [batch.pixels, batch.tokenPixels as Tensor, batch.mask as Tensor]
    const parts = await Promise.all(tensors.map((tensor) => tensor.toTypedArray()))
    list.push(`${batch.indices} ${parts.map((part) => Buffer.from(part as Uint8Array).toString('base64'))}`)
    batch.dispose()
  }
  return list
}

/** Runs `body` where pinned memory is emulated, and waits until all of it was given back. */
async function emulated<T>(body: () => Promise<T>): Promise<{ result: T; taken: number }> {
  native().emulatePinnedMemory(true)
  try {
    const result = await body()
    // A loader's thread lets go of a batch a moment after it was told to be ready.
    for (let i = 0; i < 500 && native().emulatePinnedMemory(true).live > 0; i++) await sleep(10)
    const { taken, live } = native().emulatePinnedMemory(true)
    is(live, 0)
    return { result, taken }
  } finally {
    native().emulatePinnedMemory(false)
  }
}

test('batches are those of ordinary memory; a block for each tensor, given back when it was freed', async () => {
  const expected = await contents({})
  is(expected.length, BATCHES)
  const { result, taken } = await emulated(() => contents({ pinMemory: true }))
  equal(result, expected)
  // Of two batches the rows without the broken image are taken over into new tensors.
  is(taken, TENSORS * (BATCHES + 2))
})

test('no more is held than what is loaded ahead and in use', async () => {
  await emulated(async () => {
    for await (const batch of batches(await images(), { ...OPTIONS, pinMemory: true, maxBrokenShare: 1 })) {
      const { live } = native().emulatePinnedMemory(true)
      // The batch in use, those ahead, and of two of them the rows that are taken over.
      ok(live <= TENSORS * (1 + OPTIONS.prefetch + 2), `${live} blocks are held`)
      batch.dispose()
    }
  })
})

test('an iteration that is left early gives everything back', async () => {
  const { taken } = await emulated(async () => {
    for await (const batch of batches(await images(), { ...OPTIONS, pinMemory: true, maxBrokenShare: 1 })) {
      batch.dispose()
      break
    }
  })
  ok(taken >= TENSORS)
})

const gpu = noGpu === null ? 'there is a GPU' : null
test.skipIf(gpu, 'without a GPU it is refused', async () => {
  await rejects(() => contents({ pinMemory: true }), 'ERR_DEVICE', /pinMemory: there is no GPU/)
})

test.run()
