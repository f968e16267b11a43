/**
 * The report as one HTML file that needs nothing else: data, script and style stand in it, and its policy lets nothing
 * else run or load.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BeitError } from '../errors.js'
import { packageRoot } from '../installation.js'
import { clipped } from '../log/format.js'
import { printable } from '../log/printable.js'
import { escapeText } from '../visualize/svg.js'
import { FONT, RUN_COLOURS, SCHEMES } from '../visualize/theme.js'
import type { ReportData } from './report_data.js'

/** lib/report/page/main.ts and what it imports, as one script. */
const SCRIPT = join(packageRoot, 'dist', 'lib', 'report', 'page', 'bundle.js')
const STYLE = join(packageRoot, 'lib', 'report', 'page', 'style.css')

export interface Html {
  text: string
  /** The policy that the file asks for, to be sent as a header too where it is served. */
  policy: string
}

/** @throws BeitError ERR_IO when a part of this package is missing */
export async function htmlOf(data: ReportData): Promise<Html> {
  const [script, rules] = await Promise.all([part(SCRIPT), part(STYLE)])
  const style = `${colours()}\n${rules}`
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    ...(data.live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const text = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeText(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(titleOf(data))}</title>
<style>${style}</style>
</head>
<body>
<main><noscript>This report draws its curves with a script that stands in this file: allow scripts to see it.</noscript></main>
<script type="application/json" id="data">${inScript(data)}</script>
<script>${script}</script>
</body>
</html>
`
  return { text, policy }
}

/** Of the tab: browsers show its beginning. */
function titleOf({ runs }: ReportData): string {
  const names = printable(clipped(runs.map(({ name }) => name).join(', '), 80))
  return `${runs.length > 1 ? `${runs.length} runs: ` : ''}${names} · beit-torch`
}

async function part(path: string): Promise<string> {
  try {
    // As HTML reads it: a carriage return would change the hash.
    return (await readFile(path, 'utf8')).replaceAll('\r\n', '\n')
  } catch (cause) {
    const hint = 'in a checkout, npm run setup makes it'
    throw new BeitError('ERR_IO', `a part of the report is missing: ${(cause as Error).message}; ${hint}`, {
      cause,
    })
  }
}

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`

/** JSON in which no value can end the element it stands in. */
const inScript = (data: ReportData) => JSON.stringify(data).replaceAll('<', '\\u003c')

/** The colours of all pictures as variables, and the classes that curves have, in both schemes. */
function colours(): string {
  const light = variables(SCHEMES.light, RUN_COLOURS.light, '#f6f8fa')
  const dark = variables({ ...SCHEMES.dark, paper: '#161c24' }, RUN_COLOURS.dark, SCHEMES.dark.paper)
  const tones = [...['training', 'evaluation', 'reference'], ...RUN_COLOURS.light.map((_, i) => `run-${i}`)]
  return [
    `:root {color-scheme: light dark; ${light}}`,
    `@media (prefers-color-scheme: dark) {:root {${dark}}}`,
    `body {${FONT}}`,
    ...tones.map(
      (tone) =>
        `.line-${tone} {stroke: var(--${tone}); fill: none} .fill-${tone} {fill: var(--${tone}); color: var(--${tone})}`,
    ),
  ].join('\n')
}

function variables(scheme: Record<string, string>, runs: readonly string[], page: string): string {
  const all = { ...scheme, page, ...Object.fromEntries(runs.map((colour, i) => [`run-${i}`, colour])) }
  return Object.entries(all)
    .map(([name, colour]) => `--${name}: ${colour};`)
    .join(' ')
}
