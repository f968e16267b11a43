// Layer-wise decay of the learning rate (ELECTRA, arXiv 2003.10555; optim_factory.py of microsoft/unilm,
// beit/): the nearer to the input, the more slowly a pre-trained layer changes.
#pragma once
#include <string>
#include <vector>

namespace beit::train {

// By what the learning rate of each parameter of a Transformer is multiplied: decay^(depth + 1) for what
// comes before its blocks (embedding, class and mask token, positions), decay^(depth - i) for block i, 1 for
// all else. The depth is that of the names. ERR_INVALID_ARGUMENT for a block that no Transformer has.
std::vector<double> layer_decay_scales(const std::vector<std::string>& names, double decay);

}  // namespace beit::train
