/** The tables of a report: checkpoints, classes, broken images, where the time goes, warnings. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { listRunCheckpoints, lookAtRunCheckpoint } from '../checkpoint/run_checkpoint.js'
import { BROKEN_IMAGES_FILE } from '../log/broken_images_file.js'
import { bytes, counted, grouped, percent } from '../log/format.js'
import { PROFILE_FILE, type ProfileSummary } from '../log/step_profile.js'
import type { FinetuneEvaluationEvent, FinetuneStartEvent } from '../train/events.js'
import { CHECKPOINTS_FOLDER } from '../train/run_folder.js'
import type { Cell, Table } from './report_data.js'
import type { RunHistory } from './run_history.js'

/** Rows of a list that may be long. */
const LISTED = 100
const CLASSES = 200

/** @param href of a path in the run folder, or undefined where a report cannot link to it */
export async function tablesOf(
  folder: string,
  history: RunHistory,
  href: (...path: string[]) => string | undefined,
): Promise<Table[]> {
  const tables = await Promise.all([
    checkpointTable(folder, history, href),
    profileTable(folder),
    brokenTable(folder, href),
  ])
  return [...tables, classTable(history), warningTable(history)].filter((table) => table !== null)
}

async function checkpointTable(
  folder: string,
  { done }: RunHistory,
  href: (...path: string[]) => string | undefined,
): Promise<Table | null> {
  const entries = await listRunCheckpoints(join(folder, CHECKPOINTS_FOLDER)).catch(() => [])
  if (entries.length === 0) return null
  const rows = await Promise.all(
    entries.map(async ({ step, path }): Promise<Cell[]> => {
      const { bytes: size, problem } = await lookAtRunCheckpoint(path)
      const name = basename(path)
      const mark = step === done?.best?.step ? 'best' : path === entries.at(-1)?.path ? 'newest' : undefined
      return [
        { text: name, href: href(CHECKPOINTS_FOLDER, name), mark },
        grouped(step),
        bytes(size),
        problem ?? 'complete',
      ]
    }),
  )
  return {
    title: 'Checkpoints',
    columns: [
      { name: 'folder' },
      { name: 'step', right: true },
      { name: 'size', right: true },
      { name: 'state' },
    ],
    rows,
  }
}

async function profileTable(folder: string): Promise<Table | null> {
  const profile = await readJson<ProfileSummary>(join(folder, PROFILE_FILE))
  if (!Array.isArray(profile?.parts)) return null
  const rows = profile.parts.map(({ name, secondsPerStep, share }) => [
    String(name),
    (1000 * secondsPerStep).toFixed(1),
    percent(share),
  ])
  return {
    title: 'Time of a step',
    columns: [{ name: 'part' }, { name: 'ms', right: true }, { name: 'share', right: true }],
    rows: [...rows, ['all', (1000 * profile.secondsPerStep).toFixed(1), percent(1)]],
    note: `means of ${counted(profile.steps, 'profiled step')}`,
  }
}

async function brokenTable(
  folder: string,
  href: (...path: string[]) => string | undefined,
): Promise<Table | null> {
  const text = await readFile(join(folder, BROKEN_IMAGES_FILE), 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length === 0) return null
  const rows = lines.slice(0, LISTED).map((line): Cell[] => {
    const [path = '', offset = '', key = '', message = ''] = line.split('\t')
    // The key of an image in a folder is the end of its path; in a shard it is all that tells which one it is.
    return [path.endsWith(key) ? path : `${path}, ${key} at byte ${offset}`, message]
  })
  const file = href(BROKEN_IMAGES_FILE)
  if (file !== undefined) rows.push([{ text: BROKEN_IMAGES_FILE, href: file }, 'all of them'])
  return {
    title: 'Broken images',
    columns: [{ name: 'image' }, { name: 'why it was left out' }],
    rows,
    wide: true,
    note: more(lines.length, LISTED, 'broken images'),
  }
}

/** Of fine-tuning: images and accuracy of each class. */
function classTable({ start, evaluations }: RunHistory): Table | null {
  const balance = (start as FinetuneStartEvent | null)?.classBalance
  if (balance === undefined) return null
  const last = evaluations.at(-1) as FinetuneEvaluationEvent | undefined
  const rows = balance.classes.slice(0, CLASSES).map(({ name, images }, id): Cell[] => {
    const scores = last?.perClass[id]
    return [
      name,
      grouped(images),
      ...(scores === undefined ? [] : [grouped(scores.images), percent(scores.accuracy)]),
    ]
  })
  const validation = last === undefined ? [] : ['validation images', 'accuracy']
  return {
    title: 'Classes',
    columns: [
      { name: 'class' },
      ...['training images', ...validation].map((name) => ({ name, right: true })),
    ],
    rows,
    note: more(balance.classes.length, CLASSES, 'classes'),
  }
}

function warningTable({ warnings, moreWarnings }: RunHistory): Table | null {
  if (warnings.length === 0) return null
  return {
    title: 'Warnings',
    columns: [{ name: 'what the run told' }],
    rows: warnings.map((warning) => [warning]),
    wide: true,
    note: moreWarnings === 0 ? undefined : `and ${counted(moreWarnings, 'more warning')}`,
  }
}

const more = (count: number, listed: number, nouns: string) =>
  count > listed
    ? `the first ${listed} of ${grouped(count)}: ${nouns} beyond them are left out here`
    : undefined

export async function readJson<T>(path: string): Promise<T | null> {
  try {
    const content: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof content === 'object' && content !== null ? (content as T) : null
  } catch {
    return null
  }
}
