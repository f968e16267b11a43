/** report.html: what a run did, as one file that works from disk. */
import { stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { replaceFile } from '../checkpoint/atomic_file.js'
import { makeFolder } from '../checkpoint/make_folder.js'
import { packageVersion } from '../doctor.js'
import { BeitError, invalidArgument } from '../errors.js'
import { runName } from '../train/run_folder.js'
import { RunReader } from './collect.js'
import { comparisonOf } from './compare.js'
import { htmlOf } from './html.js'

/** Name of the file in a run folder. */
export const REPORT_FILE = 'report.html'

/** Of a curve, in a report of one run: about 700 kB. Several share them. */
const POINTS = 4000
const SHARED_POINTS = 6000
/** Fewer would be seen. */
const FEWEST_POINTS = 400

/** Where a report goes. */
export interface ReportOptions {
  /** The file to write; report.html in the run folder unless told, and needed for several runs. */
  output?: string
}

/**
 * Writes the report of a run, or one that compares several: curves, images over time, settings, machine, data, checkpoints,
 * in one HTML file that needs neither a server nor the network. Curves of more than 4,000 steps keep mean, lowest and
 * highest of several steps in a row.
 *
 * @param runs run folders. Runs that still go on can be reported too; links to checkpoints are relative to the report
 * @returns the path of the file
 * @throws BeitError ERR_INVALID_ARGUMENT without a run or without `output` for several, ERR_IO when a folder is not there or
 * the file cannot be written
 * @example
 * await writeReport('runs/first') // runs/first/report.html
 * await writeReport(['runs/first', 'runs/second'], { output: 'runs/comparison.html' })
 */
export async function writeReport(
  runs: string | readonly string[],
  { output }: ReportOptions = {},
): Promise<string> {
  const folders = typeof runs === 'string' ? [runs] : [...runs]
  const [first, ...others] = folders
  if (first === undefined) throw invalidArgument('runs', 'one run folder or more', runs)
  if (output === undefined && others.length > 0)
    throw invalidArgument('output', 'a path, to compare several runs', output)
  const readers = await Promise.all(folders.map(openRun))
  for (const reader of readers) await reader.read()
  return writeReportOf(readers, output ?? join(first, REPORT_FILE))
}

/** Writes a report of what `readers` have read. */
export async function writeReportOf(readers: readonly RunReader[], output: string): Promise<string> {
  const path = resolve(output)
  const shared = Math.floor(SHARED_POINTS / readers.length)
  const points = Math.max(FEWEST_POINTS, Math.min(POINTS, shared))
  const names = namesOf(readers)
  const described = readers.map((reader) => reader.describe({ points, from: dirname(path) }))
  const runs = (await Promise.all(described)).map((run, i) => ({ ...run, name: names[i] as string }))
  const compared = readers.map(({ history, settings }, i) => ({
    name: names[i] as string,
    history,
    settings,
  }))
  const { text } = await htmlOf({
    made: new Date().toISOString(),
    version: packageVersion(),
    live: false,
    runs,
    comparison: comparisonOf(compared),
  })
  await replaceFile(path, async (temporary) => {
    await makeFolder(dirname(path))
    await writeFile(temporary, text, { flush: true })
  })
  return path
}

/** As short as they tell the runs apart: several lose the folder that they share, and equal ones get a number. */
function namesOf(readers: readonly RunReader[]): string[] {
  const names = readers.map(({ folder }) => runName(folder))
  const areTogether = names.length > 1 && new Set(names.map(dirname)).size === 1
  const short = areTogether ? names.map((name) => basename(name)) : names
  return short.map((name, i) =>
    short.indexOf(name) === short.lastIndexOf(name) ? name : `${name} (${i + 1})`,
  )
}

/** @throws BeitError ERR_IO when there is no such folder */
export async function openRun(folder: string): Promise<RunReader> {
  const status = await stat(folder).catch((cause: Error) => {
    throw new BeitError('ERR_IO', `cannot read the run ${folder}: ${cause.message}`, { cause })
  })
  if (!status.isDirectory()) throw new BeitError('ERR_IO', `${folder} is no run: a run is a folder`)
  return new RunReader(folder)
}
