#include "ops/nearest_neighbours.h"

#include <algorithm>
#include <tuple>

#include "engine/error.h"
#include "engine/interruptible.h"

namespace beit::ops {

namespace {

// Rows of the bank that are compared at once.
constexpr int64_t kPiece = 16384;

Neighbours first_columns(const at::Tensor& similarity, const at::Tensor& index, int64_t k) {
  const auto [sorted, order] = similarity.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
  return {sorted.slice(1, 0, k), index.gather(1, order.slice(1, 0, k))};
}

// The k largest of each row with their columns; of equal ones the first. topk promises no order among equal
// values, so a row in which the k-th is as large as the next is sorted as a whole.
Neighbours largest(const at::Tensor& similarity, int64_t k) {
  const int64_t columns = similarity.size(1);
  if (k == columns) {
    const auto all = at::arange(columns, similarity.options().dtype(at::kLong)).expand_as(similarity);
    return first_columns(similarity, all, k);
  }
  const auto [values, places] = similarity.topk(k + 1, /*dim=*/1);
  const auto tied = values.select(1, k - 1).eq(values.select(1, k));
  // By column first: the stable sort by value then keeps that order among equal ones.
  const auto index = std::get<0>(places.slice(1, 0, k).sort(/*dim=*/1));
  auto result = first_columns(similarity.gather(1, index), index, k);
  if (const auto rows = tied.nonzero().squeeze(1); rows.numel() > 0) {
    const auto [sorted, order] =
        similarity.index_select(0, rows).sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
    result.similarity = result.similarity.index_copy(0, rows, sorted.slice(1, 0, k));
    result.index = result.index.index_copy(0, rows, order.slice(1, 0, k));
  }
  return result;
}

}  // namespace

at::Tensor unit_length(const at::Tensor& features) {
  const auto norms = features.norm(2, 1, /*keepdim=*/true);
  if (!at::isfinite(norms).all().item<bool>()) {
    fail("ERR_NON_FINITE",
         "features: some are not finite; the model's weights or its precision are the cause");
  }
  return features / norms.clamp_min(1e-12);
}

void check_vote(const at::Tensor& bank, const at::Tensor& labels, const at::Tensor& queries,
                const NeighbourVote& vote) {
  const auto is_features = [](const at::Tensor& x) { return x.dim() == 2 && x.scalar_type() == at::kFloat; };
  if (!is_features(bank) || !is_features(queries) || bank.size(0) == 0 || bank.size(1) != queries.size(1)) {
    fail("ERR_SHAPE_MISMATCH", "bank and queries: expected float32 (N, F) and (Q, F) with N > 0, got ",
         bank.scalar_type(), " ", bank.sizes(), " and ", queries.scalar_type(), " ", queries.sizes());
  }
  const int64_t rows = bank.size(0);
  if (labels.scalar_type() != at::kLong || labels.sizes() != at::IntArrayRef{rows}) {
    fail("ERR_SHAPE_MISMATCH", "labels: expected int64 [", rows, "], one a row of the bank, got ",
         labels.scalar_type(), " ", labels.sizes());
  }
  if (bank.device() != queries.device() || bank.device() != labels.device()) {
    fail("ERR_INVALID_ARGUMENT", "bank, labels and queries: expected one device, got ", bank.device(), ", ",
         labels.device(), " and ", queries.device());
  }
  const auto [least, greatest] = at::aminmax(labels);
  if (least.item<int64_t>() < 0 || greatest.item<int64_t>() >= vote.classes) {
    fail("ERR_INVALID_ARGUMENT", "labels: expected class ids from 0 to ", vote.classes - 1, ", got ",
         least.item<int64_t>(), " to ", greatest.item<int64_t>());
  }
  if (vote.neighbours.empty())
    fail("ERR_INVALID_ARGUMENT", "neighbours: expected one number or more, got none");
  int64_t before = 0;
  for (const int64_t count : vote.neighbours) {
    if (count <= before || count > rows) {
      fail("ERR_INVALID_ARGUMENT", "neighbours: expected numbers that rise from 1 to at most ", rows,
           ", the rows of the bank, got ", count, " after ", before);
    }
    before = count;
  }
}

Neighbours nearest_neighbours(const at::Tensor& bank, const at::Tensor& queries, int64_t k) {
  Neighbours best;
  for (int64_t start = 0; start < bank.size(0); start += kPiece) {
    const int64_t end = std::min(start + kPiece, bank.size(0));
    const auto similarity = interruptible(at::matmul(queries, bank.slice(0, start, end).t()));  // (Q, n)
    auto found = largest(similarity, std::min(k, end - start));
    found.index = found.index + start;
    // What was found before has the lower indices and stands first.
    best = best.index.defined() ? first_columns(at::cat({best.similarity, found.similarity}, 1),
                                                at::cat({best.index, found.index}, 1), k)
                                : found;
  }
  return best;
}

at::Tensor neighbour_votes(const Neighbours& neighbours, const at::Tensor& labels,
                           const NeighbourVote& vote) {
  const int64_t queries = neighbours.index.size(0), most = neighbours.index.size(1);
  const auto similarity = neighbours.similarity.to(at::kDouble);
  // Relative to the nearest, which changes no vote's share and keeps a small temperature finite.
  const auto weights = (similarity - similarity.slice(1, 0, 1)).div(vote.temperature).exp();
  const auto classes = labels.index_select(0, neighbours.index.flatten()).view({queries, most});
  auto votes = at::zeros({queries, vote.classes}, weights.options());
  std::vector<at::Tensor> chosen;
  for (int64_t i = 0; i < most; i++) {
    votes.scatter_add_(1, classes.slice(1, i, i + 1), weights.slice(1, i, i + 1));
    if (std::binary_search(vote.neighbours.begin(), vote.neighbours.end(), i + 1)) {
      chosen.push_back(votes.argmax(1));
    }
  }
  return at::stack(chosen);
}

}  // namespace beit::ops
