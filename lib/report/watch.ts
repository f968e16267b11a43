/** Serves the report of a run to browsers on this machine, and tells them what is new while the run goes on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signalOption } from '../call_options.js'
import { packageVersion } from '../doctor.js'
import { BeitError } from '../errors.js'
import { type OptionSchema, validateOptions } from '../options.js'
import type { RunReader } from './collect.js'
import { htmlOf } from './html.js'
import type { ReportData, RunData } from './report_data.js'
import { openRun } from './write_report.js'

/** Nothing else can reach it. */
const HOST = '127.0.0.1'
/** Milliseconds between two looks at the run, and at least this many times as long as one look took. */
const INTERVAL = 1000
const REST = 20
/** Of a curve: less than in a report from disk, as each change of a run sends all of them again. */
const POINTS = 1500
/** Pages that are told of news at a time. */
const MOST_LISTENERS = 20

/** How a report is served. */
export interface WatchOptions {
  /** 0 to 65535; a free one unless told. */
  port?: number | null
  /** Ends the serving. */
  signal?: AbortSignal | null
}

/** The options of `watchRun()` as data: types, ranges, defaults and texts. */
export const watchSchema = {
  port: {
    type: 'integer',
    default: null,
    optional: true,
    min: 0,
    max: 65535,
    doc: 'Port to serve on; unset: a free one',
  },
  signal: signalOption('Ends the serving when it is aborted'),
} as const satisfies OptionSchema

/** A report that is being served. */
export interface WatchedRun {
  /** Where to look: 'http://127.0.0.1:PORT/'. */
  readonly url: string
  /** Settles when the serving has ended. */
  readonly closed: Promise<void>
  /** Ends the serving. */
  close(): Promise<void>
  /** For `await using`: ends the serving. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves the report of a run on 127.0.0.1: the page, and a stream of what changes as metrics.jsonl grows. No other
 * machine can reach it, no file is served, and requests under another host name, as a page from elsewhere could
 * make them by DNS rebinding, are refused.
 *
 * @param run the run folder; the run may still have to begin
 * @throws BeitError ERR_IO when the folder is not there or the port is taken, ERR_INVALID_ARGUMENT
 * @example
 * const watched = await watchRun('runs/first', { port: 8080 })
 * console.log(watched.url)
 * await watched.closed
 */
export async function watchRun(run: string, options: WatchOptions = {}): Promise<WatchedRun> {
  const { port, signal } = validateOptions<Required<WatchOptions>>('watchRun', watchSchema, options)
  const service = new Service(await openRun(run))
  await service.listen(port ?? 0)
  const close = () => service.close()
  if (signal?.aborted) await close()
  else signal?.addEventListener('abort', close, { once: true })
  service.closed.then(() => signal?.removeEventListener('abort', close))
  return { url: service.url, closed: service.closed, close, [Symbol.asyncDispose]: close }
}

class Service {
  readonly closed: Promise<void>
  readonly #reader: RunReader
  readonly #server: Server
  readonly #listeners = new Set<ServerResponse>()
  /** The parts of the run as JSON, as the listeners know them. */
  #told = new Map<string, string>()
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  #port = 0

  constructor(reader: RunReader) {
    this.#reader = reader
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
    // Pages keep connections open; a request itself is a few bytes.
    this.#server.requestTimeout = 10_000
    this.#server.headersTimeout = 10_000
    this.closed = new Promise((resolve) => this.#server.on('close', resolve))
  }

  get url(): string {
    return `http://${HOST}:${this.#port}/`
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const hint = port === 0 ? '' : ': choose another port, or none to have a free one picked'
        reject(new BeitError('ERR_IO', `cannot serve on ${HOST}:${port}: ${cause.message}${hint}`, { cause }))
      })
      this.#server.listen(port, HOST, resolve)
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      if (this.#timer !== null) clearTimeout(this.#timer)
      for (const listener of this.#listeners) listener.end()
      this.#server.close()
      this.#server.closeAllConnections()
    }
    await this.closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusalOf(request)
    if (refusal !== null) {
      response.writeHead(refusal, { 'content-type': 'text/plain', ...HEADERS }).end(`${refusal}\n`)
    } else if (request.url === '/events') {
      this.#tell(response)
    } else {
      await this.#reader.read()
      const { text, policy } = await htmlOf(await this.#report())
      const headers = { ...HEADERS, 'content-security-policy': `${policy}; frame-ancestors 'none'` }
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
  }

  /** The status of a request that gets nothing, or null. */
  #refusalOf({ method, headers, url }: IncomingMessage): number | null {
    // A page of another site that had its name resolve to this machine would ask for that name.
    const names = [`${HOST}:${this.#port}`, `localhost:${this.#port}`]
    if (!names.includes(headers.host ?? '')) return 403
    if (headers.origin !== undefined && !names.some((name) => headers.origin === `http://${name}`)) return 403
    if (headers['sec-fetch-site'] === 'cross-site') return 403
    if (method !== 'GET' && method !== 'HEAD') return 405
    if (url === '/events')
      return method === 'HEAD' ? 405 : this.#listeners.size >= MOST_LISTENERS ? 503 : null
    return url === '/' ? null : 404
  }

  async #report(): Promise<ReportData> {
    const run = await this.#run()
    return {
      made: new Date().toISOString(),
      version: packageVersion(),
      live: true,
      runs: [run],
      comparison: [],
    }
  }

  #run(): Promise<RunData> {
    return this.#reader.describe({ points: POINTS, from: null })
  }

  /** Adds one who is told of news: at first all there is, as time went by since the page was made. */
  #tell(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...HEADERS })
    response.flushHeaders()
    this.#listeners.add(response)
    response.on('close', () => this.#listeners.delete(response))
    this.#told.clear()
    this.#schedule(0)
  }

  #schedule(milliseconds: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#look().catch(() => this.#schedule(INTERVAL))
    }, milliseconds)
  }

  /** Reads what is new and tells it; again and again while somebody listens. */
  async #look(): Promise<void> {
    const began = performance.now()
    await this.#reader.read()
    const news = this.#newsOf(await this.#run())
    if (news !== null) {
      for (const listener of this.#listeners) {
        // Who has not yet taken the last message gets a later one, which has to tell all.
        if (listener.writableNeedDrain) this.#told.clear()
        else listener.write(`data: ${news}\n\n`)
      }
    }
    if (this.#isClosed || this.#listeners.size === 0) return
    if (this.#timer === null) this.#schedule(Math.max(INTERVAL, REST * (performance.now() - began)))
  }

  /** The parts of the run that differ from those told last, as one object in JSON; null where there are none. */
  #newsOf(run: RunData): string | null {
    const parts = Object.entries(run).flatMap(([name, value]) => {
      const json = JSON.stringify(value)
      if (this.#told.get(name) === json) return []
      this.#told.set(name, json)
      return [`${JSON.stringify(name)}:${json}`]
    })
    return parts.length === 0 ? null : `{${parts.join(',')}}`
  }
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}
