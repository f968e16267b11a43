// typedoc, from a package of its own in docs/api, installed at its first use: it works with a TypeScript of its own, older
// than the compiler of the project.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './packages.mjs'
import { capture, root } from './run.mjs'

const folder = join(root, 'docs', 'api')

/** Makes the site, and says what is wrong with it; null: nothing. */
export async function apiSite() {
  await installPackages(folder)
  const typedoc = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc')
  const { status, output } = await capture(process.execPath, [
    typedoc,
    '--options',
    join(folder, 'typedoc.json'),
  ])
  if (status !== 0) return output
  const api = JSON.parse(readFileSync(join(folder, 'site', 'api.json'), 'utf8'))
  const [textless, examples] = [withoutText(api), withoutExample(api)]
  const problems = [
    ...(textless.length > 0 ? [`without a text: ${textless.join(', ')}`] : []),
    ...(examples.length > 0 ? [`without an @example: ${examples.join(', ')}`] : []),
  ]
  return problems.length === 0 ? null : problems.join('\n')
}

/** typedoc's numbers of kinds. */
const KINDS = {
  module: 2,
  namespace: 4,
  function: 64,
  class: 128,
  interface: 256,
  constructor: 512,
  reference: 4194304,
  document: 8388608,
}
/** What has members that are part of the API. */
const WITH_MEMBERS = new Set([KINDS.namespace, KINDS.class, KINDS.interface])

/** Of a function or accessor the text stands at its signatures. */
const commentsOf = (each) => [
  each.comment,
  ...[...(each.signatures ?? []), each.getSignature, each.setSignature].map(
    (signature) => signature?.comment,
  ),
]

/** Names of what has no text. typedoc's own check asks for the parts of unnamed types as well. */
function withoutText({ children = [] }, prefix = '') {
  return children.flatMap((each) => {
    if (each.kind === KINDS.module) return withoutText(each)
    if (each.kind === KINDS.reference || each.kind === KINDS.document || each.flags.isExternal) return []
    // One that is written nowhere.
    if (each.kind === KINDS.constructor && !each.signatures.some(({ parameters }) => parameters)) return []
    const name = `${prefix}${each.name}`
    const has = commentsOf(each).some((comment) => comment !== undefined)
    const members = WITH_MEMBERS.has(each.kind) ? withoutText(each, `${name}.`) : []
    return has ? members : [name, ...members]
  })
}

/** Names of the functions and classes of the API without one, those of namespaces included. */
function withoutExample({ children = [] }) {
  return children.flatMap((each) => {
    if (each.kind === KINDS.module || each.kind === KINDS.namespace) return withoutExample(each)
    if (each.kind !== KINDS.function && each.kind !== KINDS.class) return []
    const has = commentsOf(each).some((comment) => comment?.blockTags?.some(({ tag }) => tag === '@example'))
    return has ? [] : [each.name]
  })
}
