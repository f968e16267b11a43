// What a prebuilt library needs of the machine that loads it, as its dynamic section says.
import { must } from './run.mjs'

/** The newest symbol versions that may be needed: docs/install.md promises them. */
export const NEWEST = { glibc: '2.34', glibcxx: '3.4.30' }

/** Part of every Linux with the GNU C library, or of libtorch. libcudart: of the CUDA libraries that libtorch_cuda needs. */
const EVERYWHERE =
  /^(libtorch_cpu|libtorch_cuda|libc10|libc10_cuda|libstdc\+\+|libm|libgcc_s|libc|libdl|libpthread|librt|ld-linux[-\w]*|libcudart)\.so(\.\d+)*$/

/**
 * @typedef {object} Needs
 * @property {string[]} libraries
 * @property {string} glibc newest symbol version; '0' where none is needed
 * @property {string} glibcxx the same of libstdc++
 */

/** @returns {Promise<Needs>} */
export const binaryNeeds = async (file) => parseNeeds(await must('objdump', 'objdump', ['-p', file]))

/** @param {string} dump what `objdump -p` prints @returns {Needs} */
export function parseNeeds(dump) {
  const all = (pattern) => [...dump.matchAll(pattern)].map(([, text]) => text)
  const newest = (versions) => versions.reduce((one, other) => (isNewer(other, one) ? other : one), '0')
  return {
    libraries: all(/^\s*NEEDED\s+(\S+)$/gm),
    glibc: newest(all(/\sGLIBC_([\d.]+)$/gm)),
    glibcxx: newest(all(/\sGLIBCXX_([\d.]+)$/gm)),
  }
}

/** @param {Needs} needs */
export function portabilityProblems(file, { libraries, glibc, glibcxx }) {
  const foreign = libraries.filter((library) => !EVERYWHERE.test(library))
  return [
    ...foreign.map((library) => `${file} needs ${library}, which a machine need not have`),
    ...(isNewer(glibc, NEWEST.glibc) ? [`${file} needs glibc ${glibc}, newer than ${NEWEST.glibc}`] : []),
    ...(isNewer(glibcxx, NEWEST.glibcxx)
      ? [`${file} needs GLIBCXX ${glibcxx}, newer than ${NEWEST.glibcxx}`]
      : []),
  ]
}

/** '2.34' is newer than '2.4'. */
function isNewer(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}
