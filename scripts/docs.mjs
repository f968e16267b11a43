// The API site by typedoc, into docs/api/site. Fails where a public symbol has no text, a function or class no example, a
// link goes nowhere, or a type of the API is not exported.
//
//   npm run docs
import { installPackages } from './steps/packages.mjs'
import { main } from './steps/run.mjs'
import { apiSite } from './steps/typedoc.mjs'

await main(async () => {
  await installPackages()
  const problem = await apiSite()
  if (problem !== null) throw new Error(problem)
  console.log('docs/api/site/index.html')
})
