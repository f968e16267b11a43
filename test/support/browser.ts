/** A real browser for tests: Chromium or Chrome of the system, without a window. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** BEIT_BROWSER, or the first on PATH; null: none. */
export const browserPath = process.env.BEIT_BROWSER ?? onPath()

/** Why tests that need a browser are skipped, or null. */
export const noBrowser =
  browserPath === null ? `no ${NAMES.join(', ')} on PATH; BEIT_BROWSER names one` : null

function onPath(): string | null {
  const candidates = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return candidates.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The sandbox needs rights that containers and root lack; what is opened here is our own. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: browserPath as string, args: ['--no-sandbox', '--disable-gpu'] })
