/** Tar archives by hand, so that tests can make the wrong ones too. */

export interface TarEntry {
  name: string
  data?: Uint8Array | string
  /** '0' unless told: a file. */
  type?: string
  /** What stands in the size field in place of the data's length: text, or 12 raw bytes. */
  size?: string | Uint8Array
  prefix?: string
  /** 'ustar\0' unless told. */
  magic?: string
}

const BLOCK = 512

/** Header, data and padding of one member. */
export function tarMember({
  name,
  data = '',
  type = '0',
  size,
  prefix = '',
  magic = 'ustar\0',
}: TarEntry): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, 100, 'utf8')
  header.write('0000644\0', 100)
  if (size instanceof Uint8Array) header.set(size, 124)
  else header.write(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write(type, 156)
  header.write(magic, 257, 'latin1')
  header.write('00', 263)
  header.write(prefix, 345)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)
  return Buffer.concat([header, bytes, padding])
}

/** A whole archive with its end mark. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarMember), Buffer.alloc(2 * BLOCK)])
}

/** One record of a PAX header: its length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + 1
  while (String(length).length + rest !== length) length++
  return `${length} ${key}=${value}\n`
}
