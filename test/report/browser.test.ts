/** The report in a real browser: what is drawn, what the reader can do with it, and that nothing leaves the page. */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { equal, is, match, not, ok } from 'uvu/assert'
import { watchRun } from '../../lib/report/watch.js'
import { writeReport } from '../../lib/report/write_report.js'
import type { RunEvent } from '../../lib/train/events.js'
import { start, step } from '../log/events.js'
import { launchBrowser, noBrowser } from '../support/browser.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { checkpoint, done, lines, pretraining, runFolder, SETTINGS, samples } from './runs.js'

const test = suite('report in a browser')
const STEPS = 1000

let started: Promise<Browser> | null = null
const browser = () => {
  started ??= launchBrowser()
  return started
}

let made: Promise<string> | null = null
/** A run with everything in it. */
const report = () => {
  made ??= (async () => {
    const folder = runFolder(join(temporary(), 'runs', 'first'), [
      ...pretraining('first', STEPS),
      done(STEPS),
    ])
    await checkpoint(folder, STEPS)
    for (const at of [250, 500, 1000]) await samples(folder, at, 8)
    return writeReport(folder)
  })()
  return made
}

interface Opened {
  page: Page
  /** Errors and warnings on the console, exceptions, and requests for anything but the page itself. */
  problems: string[]
}

/** Opens an address, does `work` with the page, and looks at what it complained of. */
async function open(
  url: string,
  options: BrowserContextOptions,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('request', (request) => {
    const own = request.url() === url || request.url() === `${url}events` || request.url().startsWith('data:')
    if (!own) problems.push(`request for ${request.url()}`)
  })
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    dialog.dismiss()
  })
  try {
    await page.goto(url)
    await page.waitForSelector('.plot path')
    await work({ page, problems })
    equal(problems, [])
  } finally {
    await context.close()
  }
}

const fileUrl = async () => pathToFileURL(await report()).href
const panel = (id: string) => `[data-panel="${id}"]`
const lossOf = (page: Page, name: string) =>
  page
    .locator(`${panel('loss')} .legend button`, { hasText: name })
    .locator('.value')
    .innerText()
/** Numbers below the horizontal axis. */
const ticks = (page: Page) =>
  page.$$eval('[data-panel="loss"] .axes text', (all) =>
    all.filter((text) => Number(text.getAttribute('y')) > 220).map((text) => text.textContent),
  )

test.skipIf(noBrowser, 'it draws every part from disk, and asks nobody for anything', async () => {
  await open(await fileUrl(), {}, async ({ page }) => {
    is(await page.locator('h1').innerText(), 'runs/first')
    is(await page.locator('.state').innerText(), 'finished')
    is(await page.locator('.chart').count(), 7)
    for (const path of await page.locator('.chart .plot path.training').all())
      ok(((await path.getAttribute('d')) ?? '').length > 100)
    equal(await page.locator('.sheet h4').allInnerTexts(), [
      'Original',
      'Masked',
      'Target tokens',
      'Predicted tokens',
      '',
    ])
    const broken = await page.$$eval(
      'img',
      (images) => images.filter((image) => image.naturalWidth === 0).length,
    )
    is(broken, 0, 'images that cannot be decoded')
    ok((await page.locator('table a').first().getAttribute('href'))?.startsWith('./checkpoints/'))
  })
})

test.skipIf(
  noBrowser,
  'hovering reads all curves at a step, dragging zooms all charts, a double click shows all',
  async () => {
    await open(await fileUrl(), {}, async ({ page }) => {
      const last = await lossOf(page, 'validation')
      const plot = page.locator(`${panel('loss')} .plot`)
      const box = await plot.boundingBox()
      if (box === null) throw new Error('no plot')
      const at = (share: number) => box.x + 52 + share * (box.width - 66)
      const middle = box.y + box.height / 2
      await page.mouse.move(at(0.3), middle)
      const here = await page.locator(`${panel('loss')} .at`).innerText()
      match(here, /^step (29|30)\d$/)
      is(await page.locator(`${panel('accuracy')} .at`).innerText(), here, 'other charts show the same step')
      not.equal(await lossOf(page, 'validation'), last)
      match(await lossOf(page, 'training'), /^[\d.]+ \([\d.]+\)$/)

      const whole = await ticks(page)
      await page.mouse.move(at(0.4), middle)
      await page.mouse.down()
      await page.mouse.move(at(0.6), middle, { steps: 4 })
      is(await page.locator('.selection').count(), 1)
      await page.mouse.up()
      await page.waitForSelector('.zoom button:last-child:not(:disabled)')
      await page.waitForTimeout(60)
      const zoomed = (await ticks(page)).map(Number)
      ok(Math.min(...zoomed) >= 390 && Math.max(...zoomed) <= 610, String(zoomed))
      await page.mouse.dblclick(at(0.5), middle)
      await page.waitForSelector('.zoom button:last-child:disabled')
      await page.waitForTimeout(60)
      equal(await ticks(page), whole)
    })
  },
)

test.skipIf(
  noBrowser,
  'everything can be done with keys; smoothing and logarithmic scale change the curves',
  async () => {
    await open(await fileUrl(), {}, async ({ page }) => {
      const path = () => page.locator(`${panel('loss')} path.training`).getAttribute('d')
      const before = await path()
      await page.locator('.smoothing input').focus()
      await page.keyboard.press('Home')
      await page.waitForTimeout(60)
      const raw = await path()
      not.equal(raw, before)
      await page.locator(`${panel('loss')} .log`).focus()
      await page.keyboard.press('Enter')
      await page.waitForTimeout(60)
      is(await page.locator(`${panel('loss')} .log`).getAttribute('aria-pressed'), 'true')
      not.equal(await path(), raw)
      await page.locator(`${panel('loss')} .plot`).focus()
      await page.keyboard.press('Home')
      is(await page.locator(`${panel('speed')} .at`).innerText(), 'step 1')
      await page.keyboard.press('Shift+ArrowRight')
      is(await page.locator(`${panel('speed')} .at`).innerText(), 'step 11')
      match(
        (await page.locator(`${panel('loss')} .spoken`).textContent()) ?? '',
        /^step 11, training [\d.]+, validation, token frequencies alone 3\.466$/,
      )
      await page.keyboard.press('+')
      await page.waitForTimeout(60)
      ok(Math.max(...(await ticks(page)).map(Number)) <= 520)
      await page.keyboard.press('0')
      const legend = page.locator(`${panel('loss')} .legend button`, { hasText: 'training' })
      await legend.focus()
      await page.keyboard.press('Enter')
      await page.waitForTimeout(60)
      is(await page.locator(`${panel('loss')} path.training`).count(), 0)
      match(await page.locator(':focus').innerText(), /^training/)
    })
  },
)

test.skipIf(noBrowser, 'a phone scrolls down, never sideways', async () => {
  await open(
    await fileUrl(),
    { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
    async ({ page }) => {
      const widths = await page.$eval('html', (root) => [root.scrollWidth, root.clientWidth])
      equal(widths, [360, 360])
      const wide = await page.$$eval('main *', (all) =>
        all
          .filter((one) => one.closest('.scroll') === null && one.getBoundingClientRect().right > 361)
          .map((one) => one.outerHTML.slice(0, 90)),
      )
      equal(wide, [])
      await page.locator(`${panel('loss')} .plot`).tap({ position: { x: 150, y: 100 } })
      match(await page.locator(`${panel('loss')} .at`).innerText(), /^step \d+$/)
    },
  )
})

/** The contrast of WCAG between two colours 'rgb(r, g, b)'. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
      const value = Number(part) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const TEXTS = [
  'h1',
  '.tile strong',
  '.tile .quiet',
  'h3',
  '.legend button',
  '.legend .value',
  'dt',
  'dd',
  'td',
  'td a',
  'th',
  '.state',
  '.controls label',
]
const LINES = ['training', 'evaluation', 'reference', ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `run-${i}`)]

for (const colorScheme of ['light', 'dark'] as const) {
  test.skipIf(noBrowser, `colours of the ${colorScheme} scheme have enough contrast`, async () => {
    await open(await fileUrl(), { colorScheme }, async ({ page }) => {
      const styleOf = async (selector: string, property: string): Promise<string> =>
        page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`)
      const variable = async (name: string): Promise<string> =>
        page.evaluate(`(() => {
          const probe = document.body.appendChild(document.createElement('i'))
          probe.style.color = 'var(--${name})'
          return getComputedStyle(probe).color
        })()`)
      const backgrounds = [
        await styleOf('body', 'backgroundColor'),
        await styleOf('.card', 'backgroundColor'),
      ]
      is(contrast(backgrounds[0] as string, 'rgb(255, 255, 255)') > 10, colorScheme === 'dark')
      const check = (name: string, colour: string, least: number) => {
        for (const background of backgrounds)
          ok(contrast(colour, background) >= least, `${name}: ${contrast(colour, background)}`)
      }
      for (const selector of TEXTS) check(selector, await styleOf(selector, 'color'), 4.5)
      check('axis', await styleOf('.plot text', 'fill'), 4.5)
      for (const name of LINES) check(name, await variable(name), 3)
    })
  })
}

test.skipIf(
  noBrowser,
  'several runs: their colours, and a click in a legend hides one everywhere',
  async () => {
    const folder = temporary()
    const runs = [0.5, 2].map((rate, i) =>
      runFolder(join(folder, `run-${i}`), pretraining(`run-${i}`, 300, rate), {
        ...SETTINGS,
        settings: { rate },
      }),
    )
    const url = pathToFileURL(await writeReport(runs, { output: join(folder, 'comparison.html') })).href
    await open(url, {}, async ({ page }) => {
      is(await page.locator('h1').innerText(), '2 runs')
      equal(
        await page
          .locator('.card h2')
          .allInnerTexts()
          .then((all) => all.slice(0, 2)),
        ['What they reached', 'Settings that differ'],
      )
      is(await page.locator(`${panel('accuracy')} path.line-run-0.training`).count(), 1)
      await page.locator(`${panel('loss')} .legend button`, { hasText: 'run-0' }).click()
      await page.waitForTimeout(60)
      is(await page.locator('path.line-run-0').count(), 0)
      ok((await page.locator('path.line-run-1').count()) > 6)
    })
  },
)

test.skipIf(
  noBrowser,
  'a quantity has one chart, and the ninth run is dotted in the first colour',
  async () => {
    const folder = temporary()
    const runs = Array.from({ length: 9 }, (_, i) =>
      runFolder(join(folder, `run-${i}`), pretraining(`run-${i}`, 40)),
    )
    const classified = [1, 2, 3].map((n) => {
      const { masked: _, perplexity: __, ...rest } = step(n)
      return { ...rest, images: 8 }
    })
    runs.push(
      runFolder(join(folder, 'classifier'), [start('classifier'), ...classified] as unknown as RunEvent[]),
    )
    const url = pathToFileURL(await writeReport(runs, { output: join(folder, 'comparison.html') })).href
    await open(url, {}, async ({ page }) => {
      equal(await page.locator(`${panel('loss')} .unit`).allInnerTexts(), [
        'nats a masked token',
        'nats an image',
      ])
      is(await page.locator(`${panel('loss')} >> nth=1 >> .legend button`).count(), 1)
      is(await page.locator(`${panel('speed')} .legend button`).count(), 10)
      const strokes: string[][] = await page.evaluate(`[...document.querySelectorAll(
      '[data-panel="speed"] .legend line')].map((line) => {
        const { stroke, strokeDasharray } = getComputedStyle(line)
        return [stroke, strokeDasharray]
      })`)
      is(strokes[8]?.[0], strokes[0]?.[0])
      equal([strokes[0]?.[1], strokes[8]?.[1]], ['none', '2px, 3px'])
    })
  },
)

test.skipIf(noBrowser, 'values of a run that look like markup are shown as text', async () => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&lt;'
  const turning = 'gnp.\u202egpj.exe'
  const folder = join(temporary(), 'a<b>', 'javascript:alert(3)')
  runFolder(folder, [...pretraining(folder, 50), { type: 'warning', message: `${turning}\n${hostile}` }], {
    ...SETTINGS,
    settings: { [hostile]: hostile },
  })
  await open(pathToFileURL(await writeReport(folder)).href, {}, async ({ page }) => {
    is(await page.locator('h1').innerText(), 'a<b>/javascript:alert(3)')
    is(await page.locator('dd', { hasText: 'onerror' }).innerText(), hostile)
    is(await page.locator('main script, main img').count(), 0)
    is(await page.locator('td', { hasText: 'gnp' }).innerText(), `gnp.\\u{202e}gpj.exe ${hostile}`)
  })
})

test.skipIf(
  noBrowser,
  'a watched run is drawn on while it goes on, and says when the server has ended',
  async () => {
    const folder = runFolder(
      join(temporary(), 'first'),
      pretraining('first', 100).filter(({ type }) => type !== 'evaluation'),
    )
    const run = await watchRun(folder)
    await open(run.url, {}, async ({ page, problems }) => {
      is(
        await page
          .locator('.made')
          .innerText()
          .then((text) => text.endsWith('live')),
        true,
      )
      await appendFile(
        join(folder, 'metrics.jsonl'),
        lines([step(101, { loss: 0.5 }), step(102, { loss: 0.5 })]),
      )
      await page.locator('.run-head .quiet', { hasText: 'step 102' }).waitFor()
      await page.locator('.smoothing input').fill('0')
      await page
        .locator(`${panel('loss')} .value`, { hasText: /^0\.500/ })
        .first()
        .waitFor()
      await run.close()
      await page.waitForSelector('.status:not([hidden])')
      // That the server is gone is told on the console too.
      problems.splice(
        0,
        problems.length,
        ...problems.filter(
          (problem) =>
            !problem.includes('ERR_CONNECTION_REFUSED') && !problem.includes('ERR_INCOMPLETE_CHUNKED'),
        ),
      )
    })
  },
)

test('the browser is closed', async () => {
  await (await started)?.close()
})

test.run()
