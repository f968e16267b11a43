/**
 * Two copies of the package in one process, as nested node_modules bring them; the argument is the second's
 * folder. Prints whether they are two, what each computes, and what one says to a tensor of the other: the class
 * and, below it, the addon.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as first from '../../../lib/index.js'

const MICRO = { imageSize: 32, patchSize: 8, hiddenSize: 24, heads: 2, vocabSize: 32 }

const modules = join(process.argv[2] as string, 'dist', 'lib')
const load = (name: string) => import(pathToFileURL(join(modules, name)).href)
const second = (await load('index.js')) as typeof first
const sizes = await Promise.all(
  [first, second].map(async ({ Tensor }) => {
    const tensor = await Tensor.from([1.5, 2.5]).to({ dtype: 'bfloat16' })
    return (await tensor.toFloat32()).join()
  }),
)
const model = await second.BeitForMaskedImageModeling.create({ ...MICRO, depth: 1 })
const foreign = first.Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32])
const { native } = (await load('binding.js')) as typeof import('../../../lib/binding.js')
const refused = await model.forward(foreign).catch((error: Error) => error.message)
let below = ''
try {
  native().dispose(foreign.handle)
} catch (error) {
  below = (error as Error).message
}
console.log(JSON.stringify({ two: first.Tensor !== second.Tensor, sizes, refused, below }))
