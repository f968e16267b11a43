import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { writeBrokenImages } from '../../lib/log/broken_images_file.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('broken images file')

test('one image a line; what a resumed run adds comes behind, nothing twice', async () => {
  const output = temporary()
  is(await writeBrokenImages(output, []), null)
  equal(await readdir(output), [])

  const a = { path: 'data/a.tar', offset: 1536, key: 'x/1', message: 'not a\tJPEG:\n no marker' }
  const b = { path: 'data/b.jpg', offset: 0, key: 'b.jpg', message: 'is empty' }
  const path = join(output, 'broken-images.txt')
  is(await writeBrokenImages(output, [a]), path)
  is(await readFile(path, 'utf8'), 'data/a.tar\t1536\tx/1\tnot a JPEG:  no marker\n')
  await writeBrokenImages(output, [b, a])
  is(
    await readFile(path, 'utf8'),
    'data/a.tar\t1536\tx/1\tnot a JPEG:  no marker\ndata/b.jpg\t0\tb.jpg\tis empty\n',
  )
  equal(await readdir(output), ['broken-images.txt'])
})

test.run()
