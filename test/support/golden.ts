/**
 * Reference data that the tests compare with: small copies in test/fixtures, which are part of the project, the whole
 * in a folder beside it (BEIT_GOLDEN and BEIT_DATA say where). A test that needs what is absent of the whole is
 * skipped:
 *
 * @example
 * const path = golden('dalle_dvae.safetensors')
 * test.skipIf(missing(path), 'logits equal the original', async () => { ... path as string ... })
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fixtures, packageRoot } from './paths.js'

/** Path of a file in test/fixtures. Its tests run in every clone: throws, and so fails them, when it is absent. */
export function fixture(name: string): string {
  const path = join(fixtures, name)
  if (!existsSync(path)) throw new Error(`${path} is missing: it is part of the project`)
  return path
}

/**
 * Path of a golden file as a whole: in BEIT_GOLDEN, by default ../shared/golden; null when it is not there. Of some,
 * test/fixtures has a part (generate_slim_golden.py).
 */
export function whole(name: string): string | null {
  return firstExisting(name, process.env.BEIT_GOLDEN ?? join('..', 'shared', 'golden'))
}

/** The whole of a golden file where it is, else the part in test/fixtures, which must be there. */
export function wholeOrPart(name: string): string {
  return whole(name) ?? fixture(name)
}

/** Path of a golden file: the whole where it is, else what test/fixtures has of it; null without either. */
export function golden(name: string): string | null {
  return whole(name) ?? firstExisting(name, fixtures)
}

/** Path of a data set or of a file in it: test/fixtures first, then BEIT_DATA, by default ../shared/data. */
export function data(name: string): string | null {
  return firstExisting(name, fixtures, process.env.BEIT_DATA ?? join('..', 'shared', 'data'))
}

/** The reason to skip when one of `paths` is null, else null. */
export function missing(...paths: (string | null)[]): string | null {
  return paths.includes(null) ? 'reference data not found (BEIT_GOLDEN, BEIT_DATA)' : null
}

function firstExisting(name: string, ...folders: string[]): string | null {
  return folders.map((folder) => resolve(packageRoot, folder, name)).find((path) => existsSync(path)) ?? null
}
