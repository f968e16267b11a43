/** beit setup: libtorch, and an addon for it, by the scripts that a clone of the project is set up with. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../installation.js'
import { type Command, EXIT } from '../command.js'

const FLAGS = {
  cuda: {
    type: 'boolean',
    default: false,
    doc: 'With the CUDA libraries of libtorch (Linux x64; about 4 GB)',
  },
  build: {
    type: 'boolean',
    default: false,
    doc: 'Compile the addon here, even where a prebuilt one fits: takes a C++20 compiler and CMake',
  },
} as const

export const setupCommand: Command = {
  name: 'setup',
  summary: 'Installs libtorch, and compiles the addon where no prebuilt one fits',
  usage: '[flags]',
  about:
    'Looks for libtorch where every program that uses this package looks (beit doctor prints the search), and installs ' +
    'one with pip beside the package where there is none. Nothing that fits is installed or compiled again.',
  groups: [{ title: 'What is set up', flags: FLAGS }],
  examples: [
    { what: 'after npm install', line: 'beit setup' },
    { what: 'for a machine with an NVIDIA GPU', line: 'beit setup --cuda' },
    { what: 'the libtorch of a Python that has torch', line: 'BEIT_PYTHON=.venv/bin/python beit setup' },
  ],
  async run({ values }) {
    const flags = Object.keys(FLAGS).flatMap((name) => (values[name] ? [`--${name}`] : []))
    const child = spawn(process.execPath, [join(packageRoot, 'scripts', 'setup.mjs'), ...flags], {
      stdio: 'inherit',
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status) => resolve(status ?? EXIT.error))
    })
  },
}
