/** Numbers as people read them. */
import { grouped } from '../grouped.js'

export { grouped }

/** counted(1, 'image') -> "1 image", counted(12345, 'image') -> "12,345 images" */
export const counted = (count: number, noun: string) => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`

/** clipped('automobile', 7) -> "auto..." */
export const clipped = (text: string, longest: number) =>
  text.length <= longest ? text : `${text.slice(0, longest - 3)}...`

/** 0.1234 -> "12.3 %"; two decimals below 1 %; "-" for what has no value. */
export function percent(share: number | null): string {
  if (share === null) return '-'
  const value = 100 * share
  return `${value.toFixed(value < 1 && value > 0 ? 2 : 1)} %`
}

/** Three significant digits or more, never an exponent for everyday values: 3.4567 -> "3.457", 123.4 -> "123". */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return 'not finite'
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 0.01 || size === 0) return value.toFixed(size >= 10 ? 2 : size >= 0.1 ? 3 : 4)
  return value.toExponential(2)
}

/** 75 -> "1:15", 3723 -> "1:02:03", 200000 -> "2 d 7 h" */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600)]
  const minutes = Math.floor(whole / 60) % 60
  const two = (value: number) => String(value).padStart(2, '0')
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`
  return `${minutes}:${two(whole % 60)}`
}

/** 12345678 -> "11.8 MiB" */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(count) / 10))
  return `${(count / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
