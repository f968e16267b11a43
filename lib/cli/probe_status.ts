/** How far a probe is, in words. */
import type { ProbeProgress } from '../evaluate/probe_progress.js'
import { grouped, percent } from '../log/format.js'

/** "epoch 12/100  accuracy 41.3 % (block 6)" */
export function inWords(progress: ProbeProgress): string {
  switch (progress.type) {
    case 'features':
      return `features of ${progress.set} images ${grouped(progress.images)}/${grouped(progress.of)}`
    case 'epoch': {
      const best = progress.validation.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
      return `epoch ${progress.epoch + 1}/${progress.epochs}  accuracy ${percent(best.accuracy)} (block ${best.block})`
    }
    case 'block': {
      const best = progress.accuracies.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
      return `block ${progress.block}  accuracy ${percent(best.accuracy)} (${best.neighbours} neighbours)`
    }
  }
}
