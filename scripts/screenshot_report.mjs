// The pictures of docs/report.md: the reports of two runs in a real browser, in light and dark, wide and narrow.
//
//   node scripts/screenshot_report.mjs RUN TOKENIZER_RUN      docs/images/report*.png
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { main, root } from './steps/run.mjs'

/** `run`: which of the two, `hover`: where the mouse is on the first chart, 0 to 1. */
const SHOTS = [
  { name: 'report', run: 0, viewport: { width: 1200, height: 700 }, hover: 0.62 },
  { name: 'report_dark', run: 1, viewport: { width: 1200, height: 650 }, colorScheme: 'dark', hover: 0.4 },
  { name: 'report_phone', run: 0, viewport: { width: 360, height: 760 }, isMobile: true },
]

await main(async () => {
  const runs = process.argv.slice(2)
  if (runs.length !== 2)
    throw new Error('two run folders are needed: node scripts/screenshot_report.mjs RUN TOKENIZER_RUN')
  const dist = (path) => import(pathToFileURL(join(root, 'dist', path)).href)
  const { writeReport } = await dist('lib/index.js')
  const { launchBrowser, noBrowser } = await dist('test/support/browser.js')
  if (noBrowser !== null) throw new Error(noBrowser)
  const folder = await mkdtemp(join(tmpdir(), 'beit-report-'))
  const browser = await launchBrowser()
  try {
    for (const shot of SHOTS) {
      const output = join(folder, `${shot.name}.html`)
      await writeReport(runs[shot.run], { output })
      await sharp(await take(browser, pathToFileURL(output).href, shot))
        .png({ palette: true, colours: 20, effort: 10, compressionLevel: 9, dither: 0 })
        .toFile(join(root, 'docs', 'images', `${shot.name}.png`))
    }
  } finally {
    await browser.close()
    await rm(folder, { recursive: true })
  }
})

/** @returns {Promise<Buffer>} */
async function take(browser, url, { viewport, hover, colorScheme, isMobile }) {
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
  const picture = await page.screenshot()
  await page.close()
  return picture
}
