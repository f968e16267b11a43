/** Extra fields of zip headers: of them only ZIP64 has a meaning here; PyTorch aligns entries by others. */

/**
 * The bytes of the ZIP64 field among `extra`, or null.
 * @param refuse called when the fields are not well formed
 */
export function zip64Field(extra: Uint8Array, refuse: (why: string) => never): Uint8Array | null {
  let found: Uint8Array | null = null
  for (let at = 0; at < extra.length; ) {
    const id = word(extra, at)
    const length = word(extra, at + 2)
    const end = at + 4 + length
    if (!(end <= extra.length)) return refuse('its extra fields are cut off')
    if (id === 1) {
      if (found !== null) return refuse('it has two ZIP64 fields')
      found = extra.subarray(at + 4, end)
    }
    at = end
  }
  return found
}

/** NaN past the end. */
const word = (bytes: Uint8Array, at: number) => (bytes[at] as number) + (bytes[at + 1] as number) * 256
