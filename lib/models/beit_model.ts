/** What every BEiT has in common (native/models/beit.h): its images, its grid of patches, its blocks. */
import { native } from '../binding.js'
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { invalidArgument } from '../errors.js'
import type { ModuleHandle } from '../native.js'
import { Tensor } from '../tensor.js'
import { checkTensor, FLOAT_DTYPES } from './arguments.js'
import type { BeitConfig } from './beit_config.js'
import { Module } from './module.js'
import type { LoadOptions } from './module_options.js'

/** A BEiT without what follows its last block. */
export abstract class BeitModel extends Module {
  readonly config: BeitConfig

  /** @internal Made by `create` and `load` of the subclasses. */
  constructor(handle: ModuleHandle, config: BeitConfig, options: Required<LoadOptions>) {
    super(handle, options)
    this.config = config
  }

  /** How an image becomes the pixels that this model was trained on; null: that is not known. */
  abstract get preprocessing(): ImagePreprocessing | null

  /** Patches [rows, columns] of an image. */
  get grid(): readonly [number, number] {
    const { imageSize, patchSize } = this.config
    return [imageSize[0] / patchSize, imageSize[1] / patchSize]
  }

  /** N: patches of an image. */
  get patches(): number {
    return this.grid[0] * this.grid[1]
  }

  /** The residual stream after each of `blocks`: (B, N + 1, D) each. */
  protected async blockFeatures(
    pixels: Tensor,
    mask: Tensor | null,
    blocks: readonly number[],
  ): Promise<Tensor[]> {
    const handles = await native().beitBlockFeatures(
      this.handle,
      pixels.handle,
      mask?.handle ?? null,
      this.#checkBlocks(blocks),
    )
    return handles.map((handle) => new Tensor(handle))
  }

  /** @throws BeitError unless they are images of this model's size and device */
  protected checkPixels(pixels: Tensor): void {
    const [height, width] = this.config.imageSize
    const shape = [null, 3, height, width]
    checkTensor(this.callee, 'pixels', pixels, FLOAT_DTYPES, shape, `[B, 3, ${height}, ${width}]`)
  }

  protected get callee(): { name: string; device: string } {
    return { name: 'model', device: this.device }
  }

  #checkBlocks(blocks: readonly number[]): readonly number[] {
    const last = this.config.depth - 1
    const valid = (i: unknown) => Number.isInteger(i) && (i as number) >= 0 && (i as number) <= last
    if (!Array.isArray(blocks) || blocks.length === 0 || !blocks.every(valid)) {
      throw invalidArgument('blocks', `an array of block numbers from 0 to ${last}`, blocks)
    }
    return blocks
  }

  protected describe(): string {
    const { imageSize, patchSize, hiddenSize, depth, heads } = this.config
    return (
      `image ${imageSize.join('x')}, patch ${patchSize}, grid ${this.grid.join('x')}, ` +
      `hidden ${hiddenSize}, depth ${depth}, heads ${heads}`
    )
  }
}
