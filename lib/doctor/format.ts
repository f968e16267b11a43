/** The doctor's report as text. */
import type { DoctorReport } from '../doctor.js'

/**
 * Lines for people.
 *
 * @example
 * console.log(formatDoctor(await doctor()))
 */
export function formatDoctor(report: DoctorReport): string {
  return [
    line('beit-torch', `${report.package.version} in ${report.package.folder}`),
    line('Node.js', `${report.node.version}, ${report.node.platform}`),
    ...addonLines(report),
    ...libtorchLines(report),
    ...machineLines(report),
    '',
    ...problemLines(report),
  ].join('\n')
}

const line = (label: string, text: string) => `${label.padEnd(12)}${text}`
const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`

function addonLines({ addon }: DoctorReport): string[] {
  if (addon.kind === null) return [line('Addon', `not built (${addon.folder})`)]
  const which = `${addon.kind} for libtorch ${addon.builtWith.join(', ')}; ${addon.folder}`
  if (addon.loaded === null)
    return [line('Addon', `${addon.problem ? 'does not load' : 'not tried'} (${which})`)]
  return [
    line('Addon', `loads, compiled against libtorch ${addon.loaded.compiledAgainst} (${which})`),
    line('JPEG', addon.loaded.nativeJpeg ? 'decoded natively (libjpeg-turbo)' : 'decoded by sharp'),
  ]
}

function libtorchLines({ libtorch: { found, search } }: DoctorReport): string[] {
  const kind = found?.cudaLibrary ? 'CUDA build' : 'CPU build'
  return [
    line(
      'libtorch',
      found ? `${found.version} (${kind}) in ${found.folder}, found by ${found.foundBy}` : 'none',
    ),
    ...search.map(({ foundBy, place, problem }) => line('', `${foundBy}: ${place}: ${problem ?? 'taken'}`)),
  ]
}

function machineLines({ cpu, memory, addon: { loaded } }: DoctorReport): string[] {
  const features = cpu.features === null ? '' : `, ${cpu.features.join(' ')}`
  const chosen = loaded?.cpuCapability ? `; libtorch uses ${loaded.cpuCapability}` : ''
  const gpus = loaded?.devices.filter(({ name }) => name !== 'cpu') ?? []
  return [
    line('CPU', `${cpu.model}${features}${chosen}`),
    line('Threads', `${loaded?.threads ?? '?'} an operation, ${cpu.processors} processors`),
    line('Memory', `${gigabytes(memory.totalBytes)}, ${gigabytes(memory.freeBytes)} free`),
    ...gpus.map(({ name, model, memoryBytes }) =>
      line('GPU', `${name}: ${model}, ${gigabytes(memoryBytes)}`),
    ),
    ...(gpus.length === 0 ? [line('GPU', `none: ${loaded?.cudaProblem ?? 'the addon is not loaded'}`)] : []),
  ]
}

function problemLines({ problems }: DoctorReport): string[] {
  if (problems.length === 0) return ['Nothing is wrong.']
  return problems.map(({ what, remedy, fatal }) => `${fatal ? 'Wrong' : 'Note'}: ${what}\n  ${remedy}`)
}
