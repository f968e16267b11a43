// Exact nearest neighbours by cosine similarity, and the vote among them.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace beit::ops {

// The rows of `features` (N, F) scaled to unit length. ERR_NON_FINITE for a value that is not finite, of
// which similarities would have no order.
at::Tensor unit_length(const at::Tensor& features);

struct Neighbours {
  at::Tensor similarity;  // float32 (Q, k), falling
  at::Tensor index;       // int64 (Q, k): rows of the bank
};

// The k most similar rows of `bank` (N, F) for each row of `queries` (Q, F), both of unit length, on one
// device; k <= N. Equal similarities go by the lower index. The bank is compared in pieces, so that the
// similarities never lie in memory as a whole.
Neighbours nearest_neighbours(const at::Tensor& bank, const at::Tensor& queries, int64_t k);

struct NeighbourVote {
  std::vector<int64_t> neighbours;  // numbers of neighbours that vote, rising
  double temperature;
  int64_t classes;
};

// Every argument of a vote, before it begins. ERR_SHAPE_MISMATCH or ERR_INVALID_ARGUMENT for numbers of
// neighbours that do not rise from 1 to at most N, labels that are no class, tensors that do not fit.
void check_vote(const at::Tensor& bank, const at::Tensor& labels, const at::Tensor& queries,
                const NeighbourVote& vote);

// The weighted vote of DINO (eval_knn.py of facebookresearch/dino): each neighbour votes for its class with
// exp(similarity / temperature). labels int64 (N), in 0..C-1 -> int64 (vote.neighbours, Q), a class each; of
// classes with equal votes the lower number wins. Votes are summed in float64 from the nearest on, so the
// result does not depend on the device's order of additions.
at::Tensor neighbour_votes(const Neighbours& neighbours, const at::Tensor& labels, const NeighbourVote& vote);

}  // namespace beit::ops
