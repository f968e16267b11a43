/**
 * Two copies of the package in one process, as nested node_modules bring them; the argument is the second's
 * folder.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as first from '../../../lib/index.js'

const path = join(process.argv[2] as string, 'dist', 'lib', 'index.js')
const second = (await import(pathToFileURL(path).href)) as typeof first
const sizes = await Promise.all(
  [first, second].map(async ({ Tensor }) => {
    const tensor = await Tensor.from([1.5, 2.5]).to({ dtype: 'bfloat16' })
    return (await tensor.toFloat32()).join()
  }),
)
console.log(first.Tensor !== second.Tensor, sizes.join(' '))
