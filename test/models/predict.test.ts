/** Predictions for paths, bytes and tensors against the softmax of the logits. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import {
  logitsOf,
  normalisedPpm,
  ranked,
  SIDE,
  sigmoid,
  smallClassifier,
  softmax,
} from '../evaluate/classifiers.js'
import { probeFolder } from '../evaluate/probe_images.js'
import { rejects } from '../support/errors.js'
import { fixtures } from '../support/paths.js'
import { encode, picture } from '../support/pictures.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('predict')

test('classes by name, likeliest first; path, bytes and tensor say the same', async () => {
  using model = await smallClassifier({ labels: ['a', 'b', 'c'] })
  const folder = probeFolder(2)
  const paths = ['red/0.ppm', 'blue/1.ppm', 'green/0.ppm'].map((name) => join(folder, name))
  const logits = await logitsOf(model, paths.map(normalisedPpm))
  const predictions = await model.predict(paths, { batchSize: 2 })
  logits.forEach((row, image) => {
    const expected = ranked(row)
    equal(
      predictions[image]?.map(({ classId, label }) => [classId, label]),
      expected.map((id) => [id, 'abc'[id]]),
    )
    for (const { classId, probability } of predictions[image] ?? []) {
      ok(Math.abs(probability - (softmax(row)[classId] as number)) < 1e-6)
    }
  })
  const close = (actual: typeof predictions) => {
    equal(
      actual[0]?.map(({ label }) => label),
      predictions[0]?.map(({ label }) => label),
    )
    actual[0]?.forEach(({ probability }, i) => {
      ok(Math.abs(probability - (predictions[0]?.[i]?.probability ?? 0)) < 1e-6)
    })
  }
  // Of one image as of two, but for the last bits.
  const alone = await model.predict(paths[0] as string)
  close(alone)
  equal(await model.predict(new Uint8Array(readFileSync(paths[0] as string))), alone)
  const normalised = Tensor.from(normalisedPpm(paths[0] as string), [1, 3, SIDE, SIDE])
  close(await model.predict(normalised))
  close(await model.predict(await normalised.to({ dtype: 'float64' })))
  const bytes = normalisedPpm(paths[0] as string).map((x) => Math.round((x * 0.5 + 0.5) * 255))
  close(await model.predict(Tensor.from(Uint8Array.from(bytes), [1, 3, SIDE, SIDE])))
})

test('topK, several classes at once, and a model without names', async () => {
  using model = await smallClassifier()
  const path = join(probeFolder(1), 'red', '0.ppm')
  const [logits] = await logitsOf(model, [normalisedPpm(path)])
  const [best] = await model.predict(path, { topK: 1 })
  equal(
    best?.map(({ label, classId }) => [label, classId]),
    [[String(ranked(logits as number[])[0]), ranked(logits as number[])[0]]],
  )
  const [each] = await model.predict(path, { topK: 100, multiLabel: true })
  is(each?.length, 3)
  for (const { classId, probability } of each ?? []) {
    ok(Math.abs(probability - sigmoid(logits?.[classId] as number)) < 1e-6)
  }
})

test('images are made as the preprocessing of the model has them', async () => {
  using model = await smallClassifier()
  const wide = join(temporary(), 'wide.png')
  writeFileSync(wide, await encode(picture(60, 20)).png().toBuffer())
  const middle = await model.predict(wide)
  model.preprocessing = { cropShare: 'whole' }
  const whole = await model.predict(wide)
  const drawn = await encode(picture(60, 20))
    .resize(SIDE, SIDE, { fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer()
  const [a, b, c] = [whole, await model.predict(drawn), middle].map((each) => each[0]?.[0]?.probability ?? 0)
  ok(Math.abs((a as number) - (b as number)) < 0.01, `${a} of the whole, ${b} of sharp's`)
  ok(Math.abs((a as number) - (c as number)) > 1e-4, 'the middle is another picture')
})

test('JPEG of every kind, turned by EXIF, CMYK, from memory as from disk', async () => {
  using model = await smallClassifier()
  const names = ['420', 'exif_1', 'exif_6', 'cmyk', 'grey', 'progressive']
  const paths = names.map((name) => join(fixtures, 'image_views', `${name}.jpeg`))
  const fromDisk = await model.predict(paths)
  equal(await model.predict(paths.map((path) => readFileSync(path))), fromDisk)
  const first = (i: number) => fromDisk[i]?.map(({ probability }) => probability) ?? []
  first(1).forEach((p, i) => {
    ok(Math.abs(p - (first(2)[i] as number)) < 0.02, 'the same picture, lying and upright')
  })
})

test('scores that are no numbers are refused, with the image', async () => {
  using model = await smallClassifier()
  const path = join(probeFolder(1), 'red', '0.ppm')
  using bias = Tensor.from(Float32Array.from([0, 0, Number.NaN]))
  await model.loadStateDict(new Map([['head.bias', bias]]), { strict: false })
  await rejects(model.predict(path), 'ERR_NON_FINITE', /red.0\.ppm are not finite.*fp32/)
  await rejects(model.predict([readFileSync(path)], { multiLabel: true }), 'ERR_NON_FINITE', /images\[0\]/)
  const pixels = Tensor.from(normalisedPpm(path), [1, 3, SIDE, SIDE])
  await rejects(model.predict(pixels), 'ERR_NON_FINITE', /row 0 of the tensor/)
})

test('an image that cannot be read is named', async () => {
  using model = await smallClassifier()
  const path = join(probeFolder(1), 'red', '0.ppm')
  const text = join(temporary(), 'text.jpg')
  writeFileSync(text, 'no image')
  const fixture = join(fixtures, 'image_views', 'truncated.jpeg')
  await rejects(model.predict([path, text]), 'ERR_FORMAT', /text\.jpg: no image format begins with/)
  await rejects(model.predict([path, '/nowhere/x.png']), 'ERR_IO', /cannot read \/nowhere\/x\.png/)
  await rejects(
    model.predict([path, path, Buffer.alloc(0)], { batchSize: 2 }),
    'ERR_FORMAT',
    /^images\[2\]: /,
  )
  await rejects(model.predict(fixture), 'ERR_FORMAT', /truncated\.jpeg: /)
  await rejects(model.predict(path, { maxPixels: 100 }), 'ERR_FORMAT', /0\.ppm: is 20x20/)
  await rejects(model.predict(3 as never), 'ERR_INVALID_ARGUMENT', /images must be paths/)
  await rejects(model.predict([path, ''] as never), 'ERR_INVALID_ARGUMENT', /images must be paths/)
  await rejects(model.predict(path, { topK: 0 }), 'ERR_INVALID_ARGUMENT', /topK/)
  const wrong = Tensor.from(new Float32Array(3 * 16 * 16), [1, 3, 16, 16])
  await rejects(model.predict(wrong), 'ERR_SHAPE_MISMATCH', /\(B, 3, 20, 20\)/)
  equal(await model.predict([]), [])
})

test.run()
