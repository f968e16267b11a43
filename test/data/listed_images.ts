/** A data set that is a list of labels: no test of labels reads an image. */
import { createHash } from 'node:crypto'
import type { ImageSource } from '../../lib/data/image_source.js'

/** Images k0.jpg, k1.jpg, ... of these classes. */
export function listed(
  classes: readonly string[] | null,
  labels: readonly (number | null)[],
): ImageSource & { name: string } {
  return {
    name: 'the set',
    length: labels.length,
    classes,
    fingerprint: createHash('sha256').update(JSON.stringify(labels)).digest('hex'),
    sample: (index) => ({
      path: 'none',
      offset: 0,
      length: -1,
      key: `k${index}.jpg`,
      label: labels[index] as number | null,
    }),
  }
}
