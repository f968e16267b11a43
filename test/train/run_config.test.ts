import { checkRunConfig } from '../../lib/train/run_config.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('run config')

test('an option that the checkpoint does not know yet is unset there', async () => {
  checkRunConfig('run', { settings: { seed: 1 } }, { settings: { seed: 1, rate: null, end: undefined } })
  await rejects(
    () => checkRunConfig('run', { settings: { seed: 1 } }, { settings: { seed: 1, rate: 2 } }),
    'ERR_CHECKPOINT_MISMATCH',
    /settings\.rate: null in the checkpoint, 2 now/,
  )
})

test.run()
