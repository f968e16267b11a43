/** What every BEiT has in common (native/models/beit.h): its images, its grid of patches, its blocks. */
import { native } from '../binding.js'
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { invalidArgument } from '../errors.js'
import type { ModuleHandle } from '../native.js'
import { checkNames } from '../options.js'
import { Tensor } from '../tensor.js'
import { checkTensor, FLOAT_DTYPES } from './arguments.js'
import type { BeitConfig } from './beit_config.js'
import { Module } from './module.js'
import type { LoadOptions } from './module_options.js'

/**
 * A BEiT without what follows its last block.
 *
 * @example
 * const either: BeitModel = classifier
 * console.log(either.grid, either.patches) // [4, 4] 16
 */
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

  /**
   * The attention of one block, without a gradient: how much each token takes from each other one, after the softmax
   * and with the relative position bias where the model has one.
   *
   * @param pixels (B, 3, H, W) float, normalised as in training
   * @param options.layer the block, from 0; default: the last
   * @returns (B, heads, N + 1, N + 1) of the model's dtype, class token first. A row is the token that looks, a column
   * one that it looks at; values are from 0 to 1 and each row sums to 1.
   * @throws BeitError ERR_SHAPE_MISMATCH, ERR_INVALID_ARGUMENT or ERR_DEVICE naming the argument.
   * @example
   * const maps = await model.attentionMaps(pixels, { layer: 1 })
   * console.log(maps.shape) // [2, 3, 17, 17]: images, heads, tokens twice
   */
  async attentionMaps(pixels: Tensor, options: { layer?: number } = {}): Promise<Tensor> {
    checkNames('attentionMaps', ['layer'], options)
    this.checkPixels(pixels)
    return this.attentionOf(pixels, null, options.layer)
  }

  /** {@link attentionMaps} of pixels and a mask that were checked. */
  protected async attentionOf(pixels: Tensor, mask: Tensor | null, layer?: number): Promise<Tensor> {
    const block = this.#checkLayer(layer)
    return new Tensor(await native().beitAttention(this.handle, pixels.handle, mask?.handle ?? null, block))
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

  #checkLayer(layer: number = this.config.depth - 1): number {
    const last = this.config.depth - 1
    if (!Number.isInteger(layer) || layer < 0 || layer > last)
      throw invalidArgument('layer', `a block number from 0 to ${last}`, layer)
    return layer
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
