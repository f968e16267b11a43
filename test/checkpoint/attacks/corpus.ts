/** All hostile files. */
import type { Attack } from './attack.js'
import { BOMBS } from './bombs.js'
import { CODE_EXECUTION } from './code_execution.js'
import { CONTAINERS } from './containers.js'
import { OBJECTS } from './objects.js'
import { PICKLES } from './pickles.js'
import { SLOW_FILES } from './slow_files.js'
import { STORAGES } from './storages.js'
import { TENSORS } from './tensors.js'
import { ZIP_FIELDS } from './zip_fields.js'
import { ZIP_LAYOUT } from './zip_layout.js'

export const ATTACKS: readonly Attack[] = [
  ...CODE_EXECUTION,
  ...OBJECTS,
  ...TENSORS,
  ...STORAGES,
  ...ZIP_FIELDS,
  ...ZIP_LAYOUT,
  ...PICKLES,
  ...BOMBS,
  ...SLOW_FILES,
  ...CONTAINERS,
]
