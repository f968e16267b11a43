/** Folders that last as long as the test process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new empty folder, removed when the process ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'beit-test-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
