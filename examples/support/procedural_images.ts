/**
 * A small set of varied images made from nothing: six classes of shapes and textures in random colours, sizes, angles
 * and places, as JPEG and PNG files in class folders. The same files every time: all randomness is seeded.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

type Random = () => number
type Colour = readonly [number, number, number]
/** The colour at (x, y), both about 0..1. */
type Painter = (x: number, y: number) => Colour

/** Makes `perClass` images of each class in `folder`, unless it is already there. */
export async function makeImages(
  folder: string,
  { perClass, seed }: { perClass: number; seed: number },
): Promise<void> {
  if (await stat(folder).catch(() => null)) return
  // Under another name until it is whole: a stopped attempt leaves no half set behind.
  const unfinished = `${folder}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  for (const [classIndex, [name, painter]] of Object.entries(CLASSES).entries()) {
    await mkdir(join(unfinished, name), { recursive: true })
    for (let i = 0; i < perClass; i++) {
      const random = mulberry32(seed * 1_000_003 + classIndex * 10_007 + i)
      const [width, height] = [sideOf(random), sideOf(random)]
      const image = sharp(paint(painter(random), width, height), { raw: { width, height, channels: 3 } })
      const number = String(i).padStart(4, '0')
      if (i % 3 === 0) await image.png().toFile(join(unfinished, name, `${number}.png`))
      else await image.jpeg({ quality: 92 }).toFile(join(unfinished, name, `${number}.jpg`))
    }
  }
  await rename(unfinished, folder)
}

/** 64..96 pixels */
const sideOf = (random: Random) => 64 + Math.floor(random() * 33)

function paint(painter: Painter, width: number, height: number): Uint8Array {
  const longer = Math.max(width, height)
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set(painter(x / longer, y / longer), (y * width + x) * 3)
  }
  return pixels
}

const CLASSES: Record<string, (random: Random) => Painter> = {
  stripes(random) {
    const [a, b] = twoColours(random)
    const wave = waveOf(random, 1.5 + random() * 2)
    return (x, y) => mix(a, b, step(wave(x, y)))
  },

  checkers(random) {
    const [a, b] = twoColours(random)
    const angle = random() * Math.PI
    const frequency = 1 + random() * 1.5
    const [across, along] = [waveOf(random, frequency, angle), waveOf(random, frequency, angle + Math.PI / 2)]
    return (x, y) => mix(a, b, step(across(x, y) * along(x, y) * 2))
  },

  gradients(random) {
    const [a, b] = twoColours(random)
    const angle = random() * 2 * Math.PI
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
    return (x, y) => mix(a, b, clamp(0.5 + (x - 0.5) * dx + (y - 0.5) * dy))
  },

  rings(random) {
    const [a, b] = twoColours(random)
    const [cx, cy] = [random(), random()]
    const [frequency, phase] = [1.5 + random() * 2, random() * 6]
    return (x, y) => mix(a, b, step(Math.sin(2 * Math.PI * frequency * Math.hypot(x - cx, y - cy) + phase)))
  },

  disks(random) {
    const background = colour(random)
    const disks = Array.from({ length: 2 + Math.floor(random() * 4) }, () => ({
      x: random(),
      y: random(),
      radius: 0.1 + random() * 0.25,
      fill: colour(random),
    }))
    return (x, y) =>
      disks.findLast((disk) => Math.hypot(x - disk.x, y - disk.y) < disk.radius)?.fill ?? background
  },

  hills(random) {
    const [a, b] = twoColours(random)
    const waves = Array.from({ length: 4 }, () => waveOf(random, 0.5 + random() * 1.5))
    return (x, y) => mix(a, b, clamp(0.5 + waves.reduce((sum, wave) => sum + wave(x, y), 0) / 4))
  },
}

/** A plane sine wave of `frequency` periods, in -1..1. */
function waveOf(random: Random, frequency: number, angle = random() * Math.PI) {
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
  const phase = random() * 2 * Math.PI
  return (x: number, y: number) => Math.sin(2 * Math.PI * frequency * (x * dx + y * dy) + phase)
}

/** -1..1 to 0..1 with an edge about a pixel wide. */
const step = (value: number) => clamp(0.5 + 2.5 * value)
const clamp = (value: number) => Math.min(1, Math.max(0, value))

function mix(a: Colour, b: Colour, share: number): Colour {
  const channel = (i: 0 | 1 | 2) => a[i] + (b[i] - a[i]) * share
  return [channel(0), channel(1), channel(2)]
}

/** Far enough apart to be told apart. */
function twoColours(random: Random): [Colour, Colour] {
  const a = colour(random)
  for (;;) {
    const b = colour(random)
    if (Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]) > 200) return [a, b]
  }
}

/** One of a few strong colours, slightly varied: a small tokenizer learns them in a minute. */
function colour(random: Random): Colour {
  const base = PALETTE[Math.floor(random() * PALETTE.length)] as Colour
  const vary = (value: number) => Math.min(255, Math.max(0, value + (random() - 0.5) * 20))
  return [vary(base[0]), vary(base[1]), vary(base[2])]
}

const PALETTE: readonly Colour[] = [
  [214, 60, 50],
  [240, 165, 40],
  [245, 220, 110],
  [70, 160, 80],
  [45, 110, 200],
  [110, 60, 160],
  [240, 240, 235],
  [35, 35, 45],
]

/** A small generator of uniform numbers in [0, 1). */
function mulberry32(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
