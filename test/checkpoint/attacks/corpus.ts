/** All hostile files. */
import type { Attack } from './attack.js'
import { BOMBS } from './bombs.js'
import { CODE_EXECUTION } from './code_execution.js'
import { CONTAINERS } from './containers.js'
import { PICKLES } from './pickles.js'
import { TENSORS } from './tensors.js'
import { ZIPS } from './zips.js'

export const ATTACKS: readonly Attack[] = [
  ...CODE_EXECUTION,
  ...TENSORS,
  ...ZIPS,
  ...PICKLES,
  ...BOMBS,
  ...CONTAINERS,
]
