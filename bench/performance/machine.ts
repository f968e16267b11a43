/** What everything else was measured on. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { devices, threads } from 'beit-torch'
import { native } from '../../lib/binding.js'
import { table } from './markdown.js'
import type { Part } from './part.js'

/** Names and versions. */
export type MachineResult = Record<string, string>

export const machine: Part<MachineResult> = {
  name: 'machine',
  async run({ device }) {
    const processors = cpus()
    const gpu = (await devices()).find(({ name }) => name === device && name.startsWith('cuda'))
    return {
      processor: `${processors[0]?.model ?? 'unknown'}, ${processors.length} processors`,
      threads: String(await threads()),
      memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
      ...(gpu && { GPU: gpu.model ?? gpu.name }),
      Node: process.versions.node,
      libtorch: native().version().compiled,
      peer: peerVersions(),
    }
  },
  markdown: (result) => table([['', ''], ...Object.entries(result)]),
}

function peerVersions(): string {
  const print =
    'import torch, transformers; print("PyTorch", torch.__version__ + ", transformers", transformers.__version__)'
  try {
    return execFileSync(process.env.BEIT_PYTHON ?? 'python3', ['-c', print], { encoding: 'utf8' }).trim()
  } catch {
    return 'none: a Python with torch, transformers and safetensors is needed (BEIT_PYTHON)'
  }
}
