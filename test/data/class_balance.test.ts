import { equal, is, match, ok } from 'uvu/assert'
import { balanceWarnings, classBalance } from '../../lib/data/class_balance.js'
import { labelled } from '../../lib/data/labels.js'
import { balancedSubset } from '../../lib/data/subset.js'
import { balanceTable } from '../../lib/log/balance_table.js'
import { suite } from '../support/suite.js'
import { listed } from './listed_images.js'

const test = suite('class balance')

test('images, ratio, empty classes and a table', async () => {
  const source = listed(['a', 'b', 'c'], [0, 0, 0, 0, 1, 1])
  const balance = await classBalance(await labelled(source))
  equal(balance, {
    images: 6,
    classes: [
      { name: 'a', images: 4 },
      { name: 'b', images: 2 },
      { name: 'c', images: 0 },
    ],
    ratio: 2,
    empty: ['c'],
  })
  const table = balanceTable(balance)
  is(table[0], '6 images in 3 classes; largest over smallest 2.0')
  match(table[2] as string, /^a +4 +66\.7 % +#{20}$/)
  match(table[3] as string, /^b +2 +33\.3 % +#{10}$/)
  match(table[4] as string, /^c +0 +0\.0 %$/)
})

test('an image of several classes counts for each', async () => {
  const source = listed(['a', 'b'], [0, 1])
  const labels = { 'k0.jpg': ['a', 'b'], 'k1.jpg': ['b'] }
  equal(
    (await classBalance(await labelled(source, { labels }))).classes.map(({ images }) => images),
    [1, 2],
  )
})

test('warns of empty classes, of unbalanced ones, of few images', async () => {
  const warningsOf = async (names: string[], counts: number[]) => {
    const ids = counts.flatMap((count, id) => Array<number>(count).fill(id))
    return balanceWarnings(await classBalance(await labelled(listed(names, ids))))
  }
  equal(await warningsOf(['a', 'b'], [50, 6]), [])
  const [unbalanced, ...none] = await warningsOf(['a', 'b'], [1000, 100])
  match(unbalanced as string, /1,000 images of a, 100 of b/)
  equal(none, [])
  const [empty, few] = await warningsOf(['a', 'b', 'c'], [8, 4, 0])
  is(empty, '1 of 3 classes have no image: c')
  is(few, 'fewer than 5 images of b')
})

test('labels, balance and subsets of many images leave the event loop its turns', async () => {
  const ids = Array.from({ length: 50_000 }, (_, i) => i % 3)
  const source = listed(['a', 'b', 'c'], ids)
  const turnsOf = async <T>(work: () => Promise<T>) => {
    let turns = 0
    let working = true
    const turn = () => {
      turns++
      if (working) setImmediate(turn)
    }
    setImmediate(turn)
    const result = await work()
    working = false
    return { turns, result }
  }
  const one = await labelled(source)
  const counted = await turnsOf(() => classBalance(one))
  ok(counted.turns >= 5, `${counted.turns}`)
  equal(
    counted.result.classes.map(({ images }) => images),
    [16_667, 16_667, 16_666],
  )
  ok((await turnsOf(() => balancedSubset(one, { perClass: 10 }))).turns >= 5)
  // Once for the targets, once for their digest.
  const labels = Object.fromEntries(ids.map((id, i) => [`k${i}.jpg`, [one.classes[id] as string]]))
  const several = await turnsOf(() => labelled(source, { labels }))
  ok(several.turns >= 11, `${several.turns}`)
  is(several.result.targetKind, 'classes')
})

test('of many classes the table has the largest and the smallest', async () => {
  const names = Array.from({ length: 100 }, (_, id) => `c${id}`)
  const ids = names.flatMap((_, id) => Array<number>(id + 1).fill(id))
  const table = balanceTable(await classBalance(await labelled(listed(names, ids))), 4)
  is(table.length, 7)
  match(table[2] as string, /^c99 +100/)
  is(table[4], '... 96 more')
  match(table[6] as string, /^c0 +1 /)
})

test.run()
