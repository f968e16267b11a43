/**
 * What `require('beit-torch')` gives: the same module objects as `import`, so that classes, errors and open
 * scopes are one. It takes a Node.js that can require ES modules.
 */

// Not BeitError: nothing of the package can be loaded here.
if (!process.features.require_module) {
  throw new Error(
    `require('beit-torch') takes Node.js 20.19 or newer, or 22.12 or newer; this is ${process.version}. ` +
      "From 20.10 on, this works: const beit = await import('beit-torch')",
  )
}

// biome-ignore lint/suspicious/noTsIgnore: expected in some modes of TypeScript only.
/** @ts-ignore: an error to the modes "node16" and "node18", whose Node.js could not do this. */
import beit = require('./index.js')
export = beit
