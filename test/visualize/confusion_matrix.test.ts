import { equal, is, match, ok } from 'uvu/assert'
import { confusionSummary, mistakes } from '../../lib/evaluate/mistakes.js'
import { confusionTable } from '../../lib/log/confusion_table.js'
import { drawConfusion } from '../../lib/visualize/confusion_matrix.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { checkWellFormed } from './well_formed.js'

const test = suite('confusion matrix')

/** An evaluation with this matrix, of classes with these names. */
function evaluated(matrix: readonly (readonly number[])[], names: readonly string[]) {
  const perClass = matrix.map((row, id) => {
    const images = row.reduce((total, count) => total + count, 0)
    return { name: names[id] as string, images, accuracy: images === 0 ? null : (row[id] as number) / images }
  })
  const confusion = matrix.flatMap((row, i) =>
    row.flatMap((count, j) => (count === 0 ? [] : [[i, j, count] as const])),
  )
  return { perClass, confusion }
}

const matrix = [
  [8, 1, 1],
  [3, 5, 0],
  [0, 0, 0],
]
const classes = ['cat', '<dog & "co">', 'fox']
const several = { perClass: evaluated(matrix, classes).perClass, confusion: [] }

test('accuracy, and mistakes in order', async () => {
  equal(confusionSummary(evaluated(matrix, classes)), { images: 18, accuracy: 13 / 18 })
  equal(mistakes(evaluated(matrix, classes)), [
    { actual: classes[1], predicted: 'cat', images: 3, share: 3 / 8 },
    { actual: 'cat', predicted: classes[1], images: 1, share: 0.1 },
    { actual: 'cat', predicted: 'fox', images: 1, share: 0.1 },
  ])
})

test('the table has the matrix of few classes, and of many the worst pairs', () => {
  const [, cat, dog, fox] = confusionTable(evaluated(matrix, ['cat', 'dog', 'fox']))
  match(cat as string, /^cat +8 +1 +1 +80\.0 %$/)
  match(dog as string, /^dog +3 +5 +\. +62\.5 %$/)
  match(fox as string, /^fox +\. +\. +\. +-$/)
  const lines = confusionTable(evaluated(cyclic(13), names(13)))
  is(lines[0], '13 mistakes of 13 kinds among 13 classes')
  match(lines[2] as string, /^c0 +c1 +1 +50\.0 %$/)
})

/** Of each class one image right and one taken for the next. */
const cyclic = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: count }, (_, j) => (j === i || j === (i + 1) % count ? 1 : 0)),
  )
const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`)

test('the picture of few classes has every name, count and share', async () => {
  const { svg, width } = await drawConfusion(evaluated(matrix, classes))
  checkWellFormed(svg as string)
  is(width, 1840)
  const texts = [...(svg as string).matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((found) => found[1])
  for (const name of ['cat', '&lt;dog &amp; &quot;co&quot;&gt;', 'fox']) {
    is(texts.filter((text) => text === name).length, 2, name)
  }
  for (const text of ['8', '3', '5', '80.0 %', '62.5 %', 'none']) ok(texts.includes(text), text)
  ok(texts.some((text) => text?.startsWith('18 images · 3 classes · accuracy 72.2 %')))
})

test('the picture of many classes is a heat map with a cell for every count, and the worst pairs', async () => {
  const { svg } = await drawConfusion(evaluated(cyclic(40), names(40)))
  checkWellFormed(svg as string)
  is([...(svg as string).matchAll(/h-[\d.]+z/g)].length, 80)
  ok(svg?.includes('c0 as c1: 1 (50.0 %)'))
})

test('images of several classes have no confusions to draw', async () => {
  await rejects(drawConfusion(several), 'ERR_INVALID_ARGUMENT', /one class each/)
  await rejects(() => confusionTable(several), 'ERR_INVALID_ARGUMENT', /one class each/)
})

test.run()
