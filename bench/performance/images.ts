/** Images to compute on. */
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tensor } from 'beit-torch'
import sharp from 'sharp'
import { data } from '../../test/support/golden.js'

/**
 * (count, 3, side, side) in [0, 1]: photographs where BEIT_DATA or ../shared/data has a folder of them, else
 * smooth waves.
 */
export async function testImages(
  count: number,
  side: number,
): Promise<{ pixels: Tensor; kind: 'photographs' | 'waves' }> {
  const folder = data('photos')
  const paths = folder === null ? [] : await photographPaths(folder, count)
  const images = Array.from({ length: count }, (_, i) =>
    paths.length === 0 ? waves(side, i) : pixelsOf(paths[i % paths.length] as string, side),
  )
  const numbers = new Float32Array(count * 3 * side * side)
  for (const [i, image] of (await Promise.all(images)).entries()) numbers.set(image, i * image.length)
  const pixels = Tensor.from(numbers, [count, 3, side, side])
  return { pixels, kind: paths.length === 0 ? 'waves' : 'photographs' }
}

/**
 * A folder of JPEG files: photographs where there are some, else `count` of waves, 400 x 300, in a temporary folder that
 * the caller removes.
 */
export async function testFolder(
  count: number,
): Promise<{ path: string; kind: 'photographs' | 'waves'; temporary: boolean }> {
  const photos = data('photos')
  if (photos !== null) return { path: photos, kind: 'photographs', temporary: false }
  const path = await mkdtemp(join(tmpdir(), 'beit-images-'))
  for (let image = 0; image < count; image++) {
    // (3, side, side) -> (side, side, 3)
    const [side, numbers] = [400, waves(400, image)]
    const bytes = Uint8Array.from({ length: numbers.length }, (_, i) => {
      return 255 * (numbers[(i % 3) * side * side + Math.floor(i / 3)] as number)
    })
    await sharp(bytes, { raw: { width: side, height: side, channels: 3 } })
      .extract({ left: 0, top: 0, width: side, height: 300 })
      .jpeg()
      .toFile(join(path, `${image}.jpg`))
  }
  return { path, kind: 'waves', temporary: true }
}

async function photographPaths(folder: string, count: number): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const paths = names.filter((name) => /\.jpe?g$/i.test(name)).sort()
  return paths.slice(0, count).map((name) => join(folder, name))
}

/** (3, side, side) in [0, 1] */
async function pixelsOf(path: string, side: number): Promise<Float32Array> {
  const { data: bytes } = await sharp(path)
    .toColourspace('srgb')
    .removeAlpha()
    .resize(side, side, { fit: 'cover' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [channel, place] = [Math.floor(i / (side * side)), i % (side * side)]
    return (bytes[place * 3 + channel] as number) / 255
  })
}

/** (3, side, side) in [0, 1] of a picture of its own for each `image`. */
function waves(side: number, image: number): Float32Array {
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side]
    const phase = ((image + 2) * (x + channel * 7) + (image + 3) * y * (channel + 1)) / side
    return 0.5 + 0.5 * Math.sin(2 * Math.PI * phase)
  })
}
