#include "train/layer_decay.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/error.h"

namespace beit::train {

namespace {

// Deeper than any Transformer.
constexpr int64_t kMaxDepth = 100'000;

// blocks.N.* -> N
std::optional<int64_t> block_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blocks.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t block = 0;
  const auto digits = name.substr(kPrefix.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), block);
  if (error == std::errc::invalid_argument || end == digits.data() + digits.size() || *end != '.') {
    return std::nullopt;
  }
  if (error != std::errc() || block < 0 || block >= kMaxDepth) {
    fail("ERR_INVALID_ARGUMENT", "names: expected a block from 0 to ", kMaxDepth - 1, ", got '", name, "'");
  }
  return block;
}

bool precedes_blocks(std::string_view name) {
  return name == "cls_token" || name == "mask_token" || name == "pos_embed" ||
         name.starts_with("patch_embed.");
}

}  // namespace

std::vector<double> layer_decay_scales(const std::vector<std::string>& names, double decay) {
  int64_t depth = 0;
  for (const auto& name : names) depth = std::max(depth, block_of(name).value_or(-1) + 1);
  std::vector<double> scales;
  for (const auto& name : names) {
    const auto block = block_of(name);
    const int64_t behind = block ? depth - *block : precedes_blocks(name) ? depth + 1 : 0;
    scales.push_back(std::pow(decay, static_cast<double>(behind)));
  }
  return scales;
}

}  // namespace beit::train
