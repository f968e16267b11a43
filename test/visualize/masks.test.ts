import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { batches } from '../../lib/data/batches.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { blockwiseMask, maskSettings } from '../../lib/data/masks.js'
import { evaluationViews } from '../../lib/data/view_settings.js'
import { someImages } from '../../lib/visualize/image_batches.js'
import { masks } from '../../lib/visualize/masks.js'
import type { Picture } from '../../lib/visualize/picture.js'
import { glow, ramp } from '../../lib/visualize/shades.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('visualize.masks')

async function pixelsOf(picture: Picture) {
  const { data, info } = await sharp(picture.png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  assert.equal([info.width, info.height], [picture.width, picture.height])
  return (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)]
}

test('each cell shows the mask that pre-training gives the sample', async () => {
  const picture = await masks({ grid: [6, 10], count: 10, seed: 3, epoch: 2 })
  const at = await pixelsOf(picture)
  using expected = blockwiseMask([6, 10], { samples: 10, seed: 3, epoch: 2 })
  const values = (await expected.toTypedArray()) as Uint8Array
  // 10 patches of 15 pixels; cells begin at (190, 92), 8 apart, 8 in a row.
  for (let i = 0; i < 10; i++) {
    const [left, top] = [190 + (i % 8) * 158, 92 + Math.floor(i / 8) * 98]
    for (let patch = 0; patch < 60; patch++) {
      const colour = at(left + (patch % 10) * 15 + 7, top + Math.floor(patch / 10) * 15 + 7)
      const hidden = values[i * 60 + patch] === 1
      assert.equal(colour, hidden ? [43, 108, 212] : [227, 231, 236], `mask ${i}, patch ${patch}`)
    }
  }
})

test('on images those patches are covered that the loader masks in the epoch', async () => {
  const data = await ImageFolder.open(folderOf(await imageFiles(6)))
  const [grid, seed] = [[8, 8], 4] as const
  const needs = { imageSize: [128, 128], tokenImageSize: null, maskGrid: grid } as const
  const views = evaluationViews(needs, { seed, mask: maskSettings(grid, { mode: 'exact', patches: 32 }) })
  using shown = await someImages(data, views, 2, seed)
  for (const epoch of [0, 3]) {
    const picture = await masks({ grid: 8, data, count: 2, seed, epoch, maskMode: 'exact', maskPatches: 32 })
    const at = await pixelsOf(picture)
    const order = batches(data, { views, batchSize: 6, epochs: epoch + 1, start: { epoch, batch: 0 }, seed })
    for await (const batch of order) {
      const mask = (await batch.mask?.toTypedArray()) as Uint8Array
      shown.indices.forEach((index, i) => {
        const row = batch.indices.indexOf(index)
        const covered = Array.from({ length: 64 }, (_, patch) =>
          at(190 + i * 136 + (patch % 8) * 16 + 8, 92 + Math.floor(patch / 8) * 16 + 8),
        ).map((colour) => Number(colour.join() === '141,150,159'))
        assert.equal(covered, [...mask.subarray(row * 64, (row + 1) * 64)], `epoch ${epoch}, image ${index}`)
      })
      batch.dispose()
    }
  }
})

test('no text is cut beside one mask, nor beside one of a million patches', async () => {
  for (const grid of [14, 1024]) {
    const picture = await masks({ grid, count: 1, maskMode: 'exact' })
    const at = await pixelsOf(picture)
    assert.ok(picture.width > 500, String(picture.width))
    const border = Array.from({ length: 8 * picture.height }, (_, i) =>
      at(picture.width - 8 + (i % 8), Math.floor(i / 8)).join(),
    )
    assert.equal([...new Set(border)], ['255,255,255'], `grid ${grid}`)
  }
})

test('wrong options are refused', async () => {
  await rejects(masks({ grid: [3, 4, 5] }), 'ERR_INVALID_ARGUMENT', /grid must be N or \[rows, columns\]/)
  await rejects(masks({ grid: 2.5 }), 'ERR_INVALID_ARGUMENT', /grid/)
  await rejects(masks({ count: 0 }), 'ERR_INVALID_ARGUMENT', /count must be an integer from 1 to 256/)
  await rejects(masks({ gird: 3 } as object), 'ERR_INVALID_ARGUMENT', /did you mean 'grid'/)
  await rejects(masks({ grid: 2 }), 'ERR_INVALID_ARGUMENT', /without a mask/)
  await rejects(masks({ data: 'photos' as never }), 'ERR_INVALID_ARGUMENT', /data must be an image source/)
})

test('the ramps go one way in lightness', () => {
  const lightness = ([r, g, b]: readonly number[]) =>
    0.2126 * (r as number) + 0.7152 * (g as number) + 0.0722 * (b as number)
  const steps = Array.from({ length: 101 }, (_, i) => i / 100)
  for (let i = 1; i <= 100; i++) {
    const [a, b] = [steps[i - 1] as number, steps[i] as number]
    assert.ok(lightness(ramp(a)) >= lightness(ramp(b)), `ramp at ${b}`)
    assert.ok(lightness(glow(a)) <= lightness(glow(b)), `glow at ${b}`)
  }
  assert.equal(ramp(-1), ramp(0))
  assert.equal(glow(2), glow(1))
})

test.run()
