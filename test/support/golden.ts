/**
 * Reference data that the tests compare with: small copies in test/fixtures, the whole in a folder beside the
 * project (BEIT_GOLDEN and BEIT_DATA say where). A test that needs what is absent is skipped:
 *
 * @example
 * const path = golden('mim_shared_rel_pos.safetensors')
 * test.skipIf(missing(path), 'logits equal the original', async () => { ... path as string ... })
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fixtures, packageRoot } from './paths.js'

/**
 * Path of a golden file: test/fixtures first, then BEIT_GOLDEN, by default ../shared/golden; null when in
 * neither.
 */
export function golden(name: string): string | null {
  return firstExisting(name, fixtures, process.env.BEIT_GOLDEN ?? join('..', 'shared', 'golden'))
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
