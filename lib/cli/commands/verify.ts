/** beit verify: reads all of a checkpoint and tells what is wrong with it. */
import { join } from 'node:path'
import { listRunCheckpoints } from '../../checkpoint/run_checkpoint.js'
import { type Verification, verifyCheckpoint } from '../../checkpoint/verify_checkpoint.js'
import { verifyRunCheckpoint } from '../../checkpoint/verify_run_checkpoint.js'
import { BeitError } from '../../errors.js'
import { bytes, grouped } from '../../log/format.js'
import { print } from '../../log/printable.js'
import { CHECKPOINTS_FOLDER } from '../../train/run_folder.js'
import { type Command, EXIT } from '../command.js'
import { findCheckpoint } from '../find_checkpoint.js'
import { PICK_FLAG } from '../groups.js'

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'Reads all of a checkpoint and tells what is wrong with it',
  usage: 'PATH [flags]',
  about:
    'Checks the structure of a file, the checksums that it has, and that every tensor in it can be read; of a ' +
    "checkpoint of a run also its manifest's SHA-256 of each file, and of a run every checkpoint. Prints one line a " +
    'problem, with the rule that is broken, and exits with 1 when there is one. Safetensors and legacy PyTorch files ' +
    'have no checksums: changed numbers in them show only by --finite.',
  arguments: ['PATH'],
  groups: [
    {
      title: 'Input and checks',
      flags: {
        finite: { type: 'boolean', default: false, doc: 'Also look for NaN and infinite numbers' },
        pick: PICK_FLAG,
      },
    },
  ],
  examples: [
    { what: 'was the download whole?', line: 'beit verify beit_base_patch16_224_pt22k.pth' },
    { what: 'every checkpoint of a run, and no NaN in it', line: 'beit verify runs/first --finite' },
  ],
  async run({ arguments: [given], values }) {
    const found = await findCheckpoint(given as string)
    const options = { finite: values.finite === true }
    let broken = 0
    for (const { kind, path } of await partsOf(found)) {
      const verification =
        kind === 'checkpoint'
          ? await verifyRunCheckpoint(path, options)
          : await verifyCheckpoint(path, { ...options, pick: values.pick as string | undefined })
      print([...verification.problems, summary(verification)])
      broken += verification.problems.length
    }
    return broken === 0 ? EXIT.ok : EXIT.error
  },
}

/** A run is its checkpoints. */
async function partsOf(found: Awaited<ReturnType<typeof findCheckpoint>>) {
  if (found.kind !== 'run') return [found]
  const checkpoints = await listRunCheckpoints(join(found.path, CHECKPOINTS_FOLDER))
  if (checkpoints.length === 0)
    throw new BeitError('ERR_NO_CHECKPOINT', `${found.path} has no checkpoint yet`)
  return checkpoints.map(({ path }) => ({ kind: 'checkpoint' as const, path }))
}

function summary({
  path,
  problems,
  tensors,
  bytes: size,
  checksums,
}: Omit<Verification, 'container'>): string {
  const checked = checksums === 0 ? 'no checksums' : `${grouped(checksums)} checksums`
  const read = `${grouped(tensors)} tensors, ${bytes(size)}, ${checked}`
  if (problems.length === 0) return `whole: ${path} (${read})`
  return `failed: ${path}, ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}`
}
