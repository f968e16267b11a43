#include "models/dalle_fast_encoder.h"

#include "engine/interruptible.h"
#include "kernels/cpu.h"
#include "kernels/panel_gemm.h"
#include "ops/half_matmul.h"
#include "ops/likeliest_codes.h"
#include "ops/thread_scratch.h"

namespace beit::models {

namespace {

// Of the wide groups: so many images at a time that what they make stays in the last cache.
constexpr int64_t kWideGroups = 2;
constexpr int64_t kWideImages = 2;

}  // namespace

// One pass over a batch, with its scratch memory. Images lie as (B, H, W, C).
class DalleFastEncoder::Run {
 public:
  explicit Run(const DalleFastEncoder& encoder)
      : encoder_(encoder), scratch_(ops::thread_scratch(encoder.scratch_, encoder.input_.weight.options())) {}

  at::Tensor input(const at::Tensor& pixels) const {
    const auto& [weight, bias] = encoder_.input_;
    const auto x =
        at::conv2d(pixels.contiguous(at::MemoryFormat::ChannelsLast),
                   weight.contiguous(at::MemoryFormat::ChannelsLast), bias, 1, (weight.size(2) - 1) / 2);
    return x.permute({0, 2, 3, 1}).contiguous();
  }

  // Groups [begin, end), pooled after each but the last of all.
  at::Tensor groups(at::Tensor x, size_t begin, size_t end) const {
    for (size_t g = begin; g < end; g++) {
      for (const auto& block : encoder_.groups_[g]) x = this->block(x, block);
      if (g + 1 == encoder_.groups_.size()) break;
      x = at::max_pool2d(x.permute({0, 3, 1, 2}), 2).permute({0, 2, 3, 1}).contiguous();
    }
    return x;
  }

 private:
  at::Tensor block(const at::Tensor& x, const PackedBlock& block) const {
    auto hidden = x;
    for (size_t i = 0; i + 1 < block.res_path.size(); i++) {
      hidden = ops::conv3x3_relu(hidden, block.res_path[i], /*relu_input=*/i == 0, scratch_);
    }
    const auto kept = block.id_path ? ops::conv1x1(x, *block.id_path, /*residual=*/{}) : x;
    ops::add_conv1x1(hidden, block.res_path.back(), kept);  // nothing reads x again
    return interruptible(kept);
  }

  const DalleFastEncoder& encoder_;
  at::Tensor scratch_;
};

bool DalleFastEncoder::supports(const Network& network) {
  const auto& weight = network.input.weight;
  // Rows of A are read in whole blocks: the narrowest layer has a quarter of the channels.
  return kernels::cpu().avx512 && weight.is_cpu() && weight.scalar_type() == at::kFloat &&
         weight.size(0) % (4 * kernels::kPanelDepth) == 0;
}

DalleFastEncoder::DalleFastEncoder(const Network& network, ops::Precision precision)
    : input_(network.input), output_(network.output), versions_(network.versions()), precision_(precision) {
  const bool half =
      precision == ops::Precision::kBf16 && ops::half_arithmetic() == ops::HalfArithmetic::kFloat16;
  const auto pack_3x3 = half ? ops::pack_half_3x3 : ops::pack_3x3;
  const auto pack_1x1 = half ? ops::pack_half_1x1 : ops::pack_1x1;
  for (const auto& group : network.groups) {
    auto& blocks = groups_.emplace_back();
    for (const auto& block : group) {
      auto& packed = blocks.emplace_back();
      // Not in half the bits: no gain makes its rounding smaller, as post_gain does that of the others.
      if (block.id_path) packed.id_path = ops::pack_1x1(block.id_path->weight, block.id_path->bias, 1.0);
      for (const auto& [weight, bias] : block.res_path) {
        const bool last = packed.res_path.size() + 1 == block.res_path.size();
        packed.res_path.push_back(last ? pack_1x1(weight, bias, block.post_gain) : pack_3x3(weight, bias));
        if (!last) scratch_ = std::max(scratch_, ops::conv3x3_scratch(packed.res_path.back()));
      }
    }
  }
}

bool DalleFastEncoder::is_of(const Network& network, ops::Precision precision) const {
  return precision == precision_ && network.input.weight.is_same(input_.weight) &&
         network.versions() == versions_;
}

at::Tensor DalleFastEncoder::tokens(const at::Tensor& pixels, const at::Tensor& rows) const {
  const Run run(*this);
  std::vector<at::Tensor> narrow;
  for (int64_t first = 0; first < pixels.size(0); first += kWideImages) {
    const auto some = pixels.slice(0, first, first + kWideImages);
    narrow.push_back(run.groups(run.input(some), 0, kWideGroups));
  }
  const auto x = run.groups(at::cat(narrow), kWideGroups, groups_.size());  // (B, h, w, C)
  const auto places = at::relu(x.flatten(0, 2).index_select(0, rows));      // (M, C)

  // (V, C, 1, 1) -> (V, C)
  return ops::likeliest_codes(places, output_.weight.flatten(1), output_.bias, {});
}

}  // namespace beit::models
