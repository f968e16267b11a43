/** Images of three classes that differ in their colour, small enough for probes in tests. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { temporary } from '../support/temporary.js'
import { randomNumbers } from '../support/tensors.js'

/** Sorted, as an ImageFolder has them. */
export const CLASSES = ['blue', 'green', 'red']

/** `count` images of 20 x 20 pixels a class, as PPM: nothing is lost. */
export function probeFolder(count: number, seed = 1): string {
  const folder = temporary()
  CLASSES.forEach((name, c) => {
    mkdirSync(join(folder, name))
    for (let i = 0; i < count; i++) {
      const noise = randomNumbers(1200, 7919 * (1000 * seed + 100 * c + i))
      const rgb = noise.map((x, p) => 90 + (p % 3 === 2 - c ? 30 : 0) + 80 * x)
      const header = Buffer.from('P6\n20 20\n255\n')
      writeFileSync(join(folder, name, `${i}.ppm`), Buffer.concat([header, Uint8Array.from(rgb)]))
    }
  })
  return folder
}

export const probeImages = (count: number, seed = 1) => ImageFolder.open(probeFolder(count, seed))

/** 16 pixels, 2 x 2 patches, three blocks. */
export const probeModel = (seed = 0) =>
  BeitForMaskedImageModeling.create(
    { imageSize: 16, patchSize: 8, hiddenSize: 16, depth: 3, heads: 2, vocabSize: 4, layerScaleInit: 0 },
    { seed },
  )
