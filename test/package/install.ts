/** The package as a stranger gets it: packed with a prebuilt addon, installed by npm into an empty project. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../support/paths.js'
import { temporary } from '../support/temporary.js'

export interface Packed {
  tarball: string
  /** Paths in the package. */
  files: string[]
  bytes: number
  unpackedBytes: number
}

export interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

export interface Installation {
  packed: Packed
  /** An otherwise empty folder that has the package in its node_modules. */
  project: string
}

/** Packs and installs; or why that cannot be done here. */
export async function install(): Promise<Installation | string> {
  if (process.platform !== 'linux') return 'prebuilt addons were made on Linux only'
  const folder = temporary()
  const prebuilt = must(process.execPath, [
    ...[join(packageRoot, 'scripts', 'prebuild.mjs'), '--local', '--output', folder],
  ])
  if (typeof prebuilt === 'string') throw new Error(prebuilt)
  const packed = await pack(folder)
  const project = join(folder, 'an empty project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true }\n')
  const args = ['install', '--prefix', project, '--ignore-scripts', '--no-audit', '--no-fund', packed.tarball]
  // What `npm ci` of this project fetched is in npm's cache, most often with what an installation by name looks up.
  let installed = must('npm', [...args, '--offline'], project)
  if (typeof installed === 'string') installed = must('npm', [...args, '--prefer-offline'], project)
  return typeof installed === 'string'
    ? `npm cannot install the dependencies here: ${installed}`
    : { packed, project }
}

/** What npm packs of this project, and the prebuilt addons of `folder`, packed once more. */
async function pack(folder: string): Promise<Packed> {
  const { pack } = await import(pathToFileURL(join(packageRoot, 'scripts', 'steps', 'packed.mjs')).href)
  const { tarball } = (await pack(folder)) as Packed
  const extracted = must('tar', ['-xzf', tarball, '-C', folder])
  if (typeof extracted === 'string') throw new Error(extracted)
  cpSync(join(folder, 'prebuilds'), join(folder, 'package', 'prebuilds'), { recursive: true })
  return pack(folder, join(folder, 'package'))
}

/** Its outcome, or what it printed where it failed. */
function must(command: string, args: readonly string[], cwd = packageRoot): Ran | string {
  const ran = run(command, args, cwd, withoutNpm())
  return ran.status === 0 ? ran : `${command} ${args[0]}: ${ran.stderr}${ran.stdout}`.trim()
}

/** Of `npm test`, whose variables would lead another npm back to this project. */
const withoutNpm = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
    ),
  )

export function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  return { status, stdout, stderr: error === undefined ? stderr : `${stderr}${error.message}` }
}

/** A folder of programs in which there is node alone: no compiler, no Python, no npm. */
export function nothingButNode(): string {
  const folder = temporary()
  symlinkSync(process.execPath, join(folder, 'node'))
  return folder
}
