import { equal, not } from 'uvu/assert'
import { checkRunConfig, withThreads } from '../../lib/train/run_config.js'
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

test('another number of threads is a warning, and no more of a mismatch where there is one', async () => {
  const config = { settings: { seed: 1, threads: null } }
  const [before, now] = [withThreads(config, 1), withThreads(config, 2)]
  equal(config, { settings: { seed: 1, threads: null } })
  equal(checkRunConfig('run', before, before), [])
  equal(checkRunConfig('run', before, now), [
    'settings.threads: 1 in the checkpoint, 2 now: the last bits will differ from those of a run that never stopped',
  ])
  const other = withThreads({ settings: { seed: 2 } }, 2)
  const error = await rejects(
    () => checkRunConfig('run', before, other),
    'ERR_CHECKPOINT_MISMATCH',
    /seed: 1/,
  )
  not.match(error.message, 'threads')
})

test('so is another optimize, and that a run from before there was one has none; profile decides nothing', () => {
  const config = (settings: object) => ({ settings: { seed: 1, ...settings } })
  const tail = ': the last bits will differ from those of a run that never stopped'
  equal(checkRunConfig('run', config({ optimize: 'auto' }), config({ optimize: 'off', profile: true })), [
    `settings.optimize: "auto" in the checkpoint, "off" now${tail}`,
  ])
  equal(checkRunConfig('run', config({}), config({ optimize: 'auto' })), [
    `settings.optimize: null in the checkpoint, "auto" now${tail}`,
  ])
})

test.run()
