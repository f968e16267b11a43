/**
 * A model and its first forward pass: which visual tokens stand behind hidden patches, and the features of an image.
 *
 *   node dist/examples/01_first_forward.js
 */
import { BeitForMaskedImageModeling, blockwiseMask, Tensor } from 'beit-torch'

// A name of a preset, and what is to be different: 36 patches instead of 196. Its weights are the original's initial ones.
using model = await BeitForMaskedImageModeling.create('beit_tiny_patch16_224', { imageSize: 96, seed: 0 })
console.log(model)

// Two images, channels first, normalised: (x - mean) / std. These are uniform grey; 02 reads files.
using pixels = Tensor.from(new Float32Array(2 * 3 * 96 * 96), [2, 3, 96, 96])

// Pre-training hides blocks of patches and asks for the tokens behind them: one row of logits a hidden patch.
using mask = blockwiseMask(model.grid, { samples: 2, seed: 0 })
using logits = await model.forward(pixels, { mask })
console.log('\nhidden     ', mask)
console.log('logits     ', logits)

// Without a mask it sees the whole image: a class token and a feature for each patch, here after blocks 5 and 11.
using features = await model.features(pixels)
const [middle, last] = await model.features(pixels, { blocks: [5, 11] })
console.log('features   ', features)
console.log('of block 5 ', middle?.shape, 'of block 11', last?.shape)
