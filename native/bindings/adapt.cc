// Weights of one grid or patch size made fit for another: what lib/checkpoint/adapt asks for.
#include "bindings/register.h"
#include "bindings/tensor_result.h"
#include "bindings/values.h"
#include "ops/resample_patch_embedding.h"
#include "ops/resize_positions.h"

namespace beit::bindings {

namespace {

ops::Grid grid_from(const Napi::Value& value, const char* name) {
  const auto sides = integers_from(value, name);
  if (sides.size() != 2 || sides[0] < 1 || sides[1] < 1) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected [rows, columns]");
  }
  return {sides[0], sides[1]};
}

}  // namespace

// resizeRelativePositions(table, from: [rows, columns], to: [rows, columns]): Promise<Handle>
static Napi::Value resize_relative_positions(const Napi::CallbackInfo& info) {
  auto table = tensor_from(info[0], "table");
  auto from = grid_from(info[1], "from"), to = grid_from(info[2], "to");
  return tensor_on_engine(info.Env(), [=] { return ops::resize_relative_positions(table->get(), from, to); });
}

// resizeAbsolutePositions(positions, from: [rows, columns], to: [rows, columns]): Promise<Handle>
static Napi::Value resize_absolute_positions(const Napi::CallbackInfo& info) {
  auto positions = tensor_from(info[0], "positions");
  auto from = grid_from(info[1], "from"), to = grid_from(info[2], "to");
  return tensor_on_engine(info.Env(),
                          [=] { return ops::resize_absolute_positions(positions->get(), from, to); });
}

// resamplePatchEmbedding(weight, side: number): Promise<Handle>
static Napi::Value resample_patch_embedding(const Napi::CallbackInfo& info) {
  auto weight = tensor_from(info[0], "weight");
  auto side = integer_from(info[1], "side");
  return tensor_on_engine(info.Env(), [=] { return ops::resample_patch_embedding(weight->get(), side); });
}

void register_adapt(Napi::Env env, Napi::Object exports) {
  export_function<resize_relative_positions>(env, exports, "resizeRelativePositions");
  export_function<resize_absolute_positions>(env, exports, "resizeAbsolutePositions");
  export_function<resample_patch_embedding>(env, exports, "resamplePatchEmbedding");
}

}  // namespace beit::bindings
