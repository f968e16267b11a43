/** A pickle in a file that does not say how long it is: as many bytes as it turns out to need. */
import type { ByteSource } from '../byte_source.js'
import { PickleEnded } from '../pickle/pickle_reader.js'
import type { UnpickleOptions } from '../pickle/stack_machine.js'
import { unpickle } from '../pickle/unpickler.js'
import type { PickleValue } from '../pickle/values.js'

/** Enough for the structure of most checkpoints. */
const FIRST = 1 << 20

/**
 * The pickle that begins at `offset`, and where it ends. It is tried on the first megabyte and, while that
 * ends too soon, on four times as much, so at most a third is read in vain.
 * @throws BeitError ERR_FORMAT
 */
export function unpickleAt(
  source: ByteSource,
  offset: number,
  options: Omit<UnpickleOptions, 'name' | 'fileSize'>,
): { value: PickleValue; end: number } {
  const rest = source.size - offset
  for (let window = Math.min(FIRST, rest); ; ) {
    try {
      const bytes = source.read(offset, window)
      const { value, length } = unpickle(bytes, { ...options, name: source.name, fileSize: source.size })
      return { value, end: offset + length }
    } catch (error) {
      if (!(error instanceof PickleEnded) || window === rest || error.needed > rest) throw error
      window = Math.min(rest, Math.max(4 * window, error.needed))
    }
  }
}
