/** The one interface of image tokenizers, and what the two of them share. */
import { native } from '../binding.js'
import { BeitError } from '../errors.js'
import { checkTensor, FLOAT_DTYPES } from '../models/arguments.js'
import { Module } from '../models/module.js'
import type { ModuleHandle } from '../native.js'
import { Tensor } from '../tensor.js'

/** Pixels to a grid of discrete visual tokens and back. */
export interface ImageTokenizer {
  /** Which of the two it is. */
  readonly kind: 'dalle' | 'conv'
  /** @internal */
  readonly handle: ModuleHandle
  /** V: tokens are 0 .. V - 1. */
  readonly vocabSize: number
  /** Pixels a token, along each side. */
  readonly stride: number
  /** Its sizes. */
  readonly config: object
  /** Whether it can {@link decode}: an encoder alone cannot. */
  readonly hasDecoder: boolean
  /** 'cpu' or 'cuda:N' */
  readonly device: string
  /** [h, w] of the tokens of an image of [height, width] pixels. */
  gridSize(imageSize: readonly [number, number]): [number, number]
  /** pixels (B, 3, H, W) in [0, 1] -> the most probable tokens, int64 (B, h, w) */
  encode(pixels: Tensor): Promise<Tensor>
  /** tokens int64 (B, h, w) -> pixels (B, 3, H, W) in [0, 1] */
  decode(tokens: Tensor): Promise<Tensor>
  /** Writes weights and configuration as one safetensors file that `loadTokenizer` reads. */
  save(path: string): Promise<void>
  /** Frees its memory now. */
  dispose(): void
}

/**
 * The calls of an {@link ImageTokenizer}; the two classes add how they are made.
 *
 * @example
 * const tokens = await tokenizer.encode(pixels) // int64 (B, h, w)
 * const picture = await tokenizer.decode(tokens) // (B, 3, H, W) in [0, 1]
 */
export abstract class TokenizerModule extends Module implements ImageTokenizer {
  abstract readonly kind: 'dalle' | 'conv'
  abstract readonly vocabSize: number
  abstract readonly stride: number
  abstract readonly hasDecoder: boolean

  /**
   * [h, w] of the tokens of an image of [height, width] pixels.
   * @throws BeitError ERR_INVALID_ARGUMENT unless both are multiples of the stride.
   */
  gridSize([height, width]: readonly [number, number]): [number, number] {
    const grid: [number, number] = [height / this.stride, width / this.stride]
    if (!grid.every((n) => Number.isInteger(n) && n > 0)) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `the ${this.kind} tokenizer makes one token of ${this.stride}x${this.stride} pixels, ` +
          `so height and width must be multiples of ${this.stride}, got ${height}x${width}`,
      )
    }
    return grid
  }

  /**
   * The most probable token of each place. No gradient.
   *
   * @param pixels (B, 3, H, W) float in [0, 1], not normalised: the tokenizer maps them itself
   * @returns int64 (B, H / stride, W / stride)
   * @throws BeitError ERR_SHAPE_MISMATCH, ERR_INVALID_ARGUMENT or ERR_DEVICE naming the argument.
   */
  async encode(pixels: Tensor): Promise<Tensor> {
    this.#checkPixels(pixels)
    return new Tensor(await native().tokenizerEncode(this.handle, pixels.handle))
  }

  /**
   * Logits over the tokens, which `encode` takes the largest of. No gradient.
   *
   * @param pixels as for `encode`
   * @returns (B, V, H / stride, W / stride)
   */
  async logits(pixels: Tensor): Promise<Tensor> {
    this.#checkPixels(pixels)
    return new Tensor(await native().tokenizerLogits(this.handle, pixels.handle))
  }

  /**
   * The picture that tokens stand for. No gradient.
   *
   * @param tokens int64 (B, h, w), each from 0 to V - 1
   * @returns (B, 3, stride h, stride w) in [0, 1]
   */
  async decode(tokens: Tensor): Promise<Tensor> {
    checkTensor(this.#callee, 'tokens', tokens, ['int64'], [null, null, null], '[B, h, w]')
    return new Tensor(await native().tokenizerDecode(this.handle, tokens.handle))
  }

  get #callee() {
    return { name: 'tokenizer', device: this.device }
  }

  #checkPixels(pixels: Tensor): void {
    checkTensor(this.#callee, 'pixels', pixels, FLOAT_DTYPES, [null, 3, null, null], '[B, 3, H, W]')
    this.gridSize(pixels.shape.slice(2) as [number, number])
  }
}
