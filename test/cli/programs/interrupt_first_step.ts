/**
 * Loaded into the command before it runs: sends the process Ctrl-C when the engine has been given the first step, as
 * nobody outside can tell when that is.
 */
import { native } from '../../../lib/binding.js'

const bindings = native()
const { trainerBeginStep } = bindings
bindings.trainerBeginStep = (...step) => {
  bindings.trainerBeginStep = trainerBeginStep
  const result = trainerBeginStep(...step)
  process.kill(process.pid, 'SIGINT')
  return result
}
