/**
 * A second opinion from Python, where the machine has one: BEIT_TEST_PYTHON chooses the interpreter. No test
 * depends on it alone; what it would check is skipped, loudly, when a package is missing.
 */
import { spawnSync } from 'node:child_process'

const interpreter = () => process.env.BEIT_TEST_PYTHON ?? process.env.BEIT_PYTHON ?? 'python3'

/** Why Python with these packages cannot be used here, or null when it can: made for `test.skipIf`. */
export function pythonLacks(...packages: string[]): string | null {
  const find = 'import importlib.util as u, sys; print(*[p for p in sys.argv[1:] if u.find_spec(p) is None])'
  const { error, status, stdout } = spawnSync(interpreter(), ['-c', find, ...packages], { encoding: 'utf8' })
  if (error || status !== 0) return `no Python (${interpreter()})`
  return stdout.trim() === '' ? null : `Python has no ${stdout.trim().replaceAll(' ', ', ')}`
}

/**
 * Runs `code` with `args` in sys.argv[1:] and gives what it printed; throws with its traceback when it fails.
 */
export function python(code: string, ...args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(interpreter(), ['-c', code, ...args], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  if (error || status !== 0) throw new Error(`Python failed: ${error?.message ?? stderr}`)
  return stdout
}
