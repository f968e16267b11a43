import { spawn } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { get, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { equal, is, match, not, ok } from 'uvu/assert'
import { type WatchedRun, watchRun } from '../../lib/report/watch.js'
import { evaluation, step } from '../log/events.js'
import { rejects } from '../support/errors.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { dataIn, lines, pretraining, runFolder } from './runs.js'

const test = suite('watching a run')

interface Answer {
  status: number
  body: string
  headers: Record<string, unknown>
}

/** One request, with headers that fetch() would not let anyone set. */
function ask(url: string, { path = '/', method = 'GET', headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part) => {
        body += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
    })
    sent.on('error', reject).end()
  })
}

/** The messages of the events stream, one after the other. */
async function* messages(url: string): AsyncGenerator<Record<string, unknown>> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    get(`${url}events`, { agent: false }, resolve).on('error', reject)
  })
  is(response.headers['content-type'], 'text/event-stream')
  let text = ''
  for await (const part of response.setEncoding('utf8')) {
    text += part
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield JSON.parse(text.slice('data: '.length, end))
      text = text.slice(end + 2)
    }
  }
}

async function watched(options = {}): Promise<{ folder: string; run: WatchedRun }> {
  const folder = join(temporary(), 'first')
  runFolder(folder, pretraining(folder, 40))
  return { folder, run: await watchRun(folder, options) }
}

test('it serves the report, and what the run tells later as it comes', async () => {
  const { folder, run } = await watched()
  match(run.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  const page = await ask(run.url)
  is(page.status, 200)
  match(String(page.headers['content-security-policy']), /^default-src 'none'; .*frame-ancestors 'none'$/)
  is(page.headers['cache-control'], 'no-store')
  const data = dataIn(page.body)
  equal([data.live, data.runs[0]?.step], [true, 40])
  not.match(page.body, '"href"')

  const stream = messages(run.url)
  const first = (await stream.next()).value
  is(first?.step, 40, 'at first all there is')
  await appendFile(join(folder, 'metrics.jsonl'), lines([step(41, { loss: 1.25 }), evaluation(41)]))
  const second = (await stream.next()).value
  is(second?.step, 41)
  const panels = second?.panels as { series: { y: number[] }[] }[]
  ok(panels[0]?.series.some(({ y }) => y.at(-1) === 1.25))
  is(second?.sections, undefined, 'what did not change is not sent again')
  await run.close()
  is((await stream.next()).done, true)
})

test('nothing else is served, to nobody else, under no other name', async () => {
  const { run } = await watched()
  const paths = [
    '/settings.json',
    '/../settings.json',
    '/%2e%2e/settings.json',
    '//etc/passwd',
    '/report.html',
    '/events/',
    '/?a',
  ]
  for (const path of paths) is((await ask(run.url, { path })).status, 404, path)
  is((await ask(run.url, { method: 'POST' })).status, 405)
  is((await ask(run.url, { path: '/events', method: 'DELETE' })).status, 405)
  const { port } = new URL(run.url)
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}.evil.example`,
  ]) {
    is((await ask(run.url, { headers: { host } })).status, 403, host)
    is((await ask(run.url, { path: '/events', headers: { host } })).status, 403, host)
  }
  is((await ask(run.url, { headers: { host: `localhost:${port}` } })).status, 200)
  is((await ask(run.url, { headers: { origin: 'http://evil.example' } })).status, 403)
  is((await ask(run.url, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  is((await ask(run.url, { method: 'HEAD' })).body, '')
  await run.close()
})

test('requests that are no HTTP, or stop half way, disturb nobody', async () => {
  const { run } = await watched()
  const port = Number(new URL(run.url).port)
  for (const text of [
    '\x16\x03\x01garbage\r\n\r\n',
    'GET / HTTP/1.1\r\nHo',
    `GET ${'/'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
  ]) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  }
  is((await ask(run.url)).status, 200)
  await run.close()
})

test('a run before its first event, and two at once', async () => {
  const folder = temporary()
  await using run = await watchRun(folder)
  await using other = await watchRun(folder)
  not.equal(run.url, other.url)
  is(dataIn((await ask(run.url)).body).runs[0]?.state, 'new')
})

test('aborting the signal ends it, with pages still open; afterwards it can be called again', async () => {
  const controller = new AbortController()
  const { folder, run } = await watched({ signal: controller.signal })
  const stream = messages(run.url)
  await stream.next()
  controller.abort()
  await run.closed
  is((await stream.next()).done, true)
  const refused = await ask(run.url).catch((error: NodeJS.ErrnoException) => error.code)
  is(refused, 'ECONNREFUSED')
  const aborted = await watchRun(folder, { signal: controller.signal })
  await aborted.closed
  await run.close()
})

test('what cannot be served is refused', async () => {
  const { folder, run } = await watched()
  const port = Number(new URL(run.url).port)
  await rejects(watchRun(folder, { port }), 'ERR_IO', /cannot serve on 127\.0\.0\.1:\d+.*another port/)
  await rejects(
    watchRun(folder, { port: 70_000 }),
    'ERR_INVALID_ARGUMENT',
    /port must be an integer from 0 to 65535/,
  )
  await rejects(watchRun(join(folder, 'nothing')), 'ERR_IO', /cannot read the run/)
  await run.close()
})

test('beit watch prints the address and ends with Ctrl-C', async () => {
  const folder = runFolder(join(temporary(), 'first'), pretraining('first', 20))
  const child = spawn(process.execPath, [join(packageRoot, 'scripts', 'beit.mjs'), 'watch', folder])
  const ended = new Promise((resolve) => child.on('close', resolve))
  const url = await new Promise<string>((resolve) => {
    child.stdout.once('data', (text) => resolve(String(text).trim()))
  })
  is((await ask(url)).status, 200)
  child.kill('SIGINT')
  is(await ended, 0)
})

test.run()
