// The pictures of docs/report.md: reports in a real browser, in light and dark, wide and narrow.
//
//   node scripts/screenshot_report.mjs RUN TOKENIZER_RUN OTHER_RUN      docs/images/report*.png
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { main, root } from './steps/run.mjs'

/**
 * `runs`: which of those given, `hover`: where the mouse is on the first chart, 0 to 1, `part`: what to show, where not the
 * top of the page.
 */
const SHOTS = [
  { name: 'report', runs: [0], viewport: { width: 1200, height: 700 }, hover: 0.62 },
  { name: 'report_images', runs: [0], viewport: { width: 700, height: 700 }, part: '#images', colours: 32 },
  {
    name: 'report_comparison',
    runs: [0, 2],
    viewport: { width: 1040, height: 900 },
    hover: 0.5,
    colours: 12,
  },
  { name: 'report_dark', runs: [1], viewport: { width: 1200, height: 650 }, colorScheme: 'dark', hover: 0.4 },
  { name: 'report_phone', runs: [0], viewport: { width: 360, height: 760 }, isMobile: true },
]

await main(async () => {
  const folders = process.argv.slice(2)
  if (folders.length !== 3)
    throw new Error(
      'three run folders are needed: node scripts/screenshot_report.mjs RUN TOKENIZER_RUN OTHER_RUN',
    )
  const dist = (path) => import(pathToFileURL(join(root, 'dist', path)).href)
  const { writeReport } = await dist('lib/index.js')
  const { launchBrowser, noBrowser } = await dist('test/support/browser.js')
  if (noBrowser !== null) throw new Error(noBrowser)
  const folder = await mkdtemp(join(tmpdir(), 'beit-report-'))
  const browser = await launchBrowser()
  try {
    for (const shot of SHOTS) {
      const output = join(folder, `${shot.name}.html`)
      await writeReport(
        shot.runs.map((run) => folders[run]),
        { output },
      )
      await sharp(await take(browser, pathToFileURL(output).href, shot))
        .png({ palette: true, colours: shot.colours ?? 20, effort: 10, compressionLevel: 9, dither: 0 })
        .toFile(join(root, 'docs', 'images', `${shot.name}.png`))
    }
  } finally {
    await browser.close()
    await rm(folder, { recursive: true })
  }
})

/** @returns {Promise<Buffer>} */
async function take(browser, url, { viewport, hover, part, colorScheme, isMobile }) {
  const page = await browser.newPage({
    viewport,
    colorScheme,
    isMobile,
    deviceScaleFactor: isMobile ? 1.25 : 1,
  })
  await page.goto(url)
  await page.waitForSelector('.plot path')
  if (hover !== undefined) {
    const box = await page.locator('.plot').first().boundingBox()
    await page.mouse.move(box.x + hover * box.width, box.y + box.height / 2)
  }
  const picture = await (part === undefined ? page : page.locator(part)).screenshot()
  await page.close()
  return picture
}
