// The tensors of a batch in the hands of the image loader: their memory is written without libtorch.
#pragma once
#include "bindings/values.h"
#include "data/image_loader.h"

namespace beit::bindings {

// Those that the settings do not ask for are null.
struct LoadedBatch {
  SlotPtr pixels;        // uint8 (B, 3, H, W)
  SlotPtr token_pixels;  // uint8 (B, 3, h, w)
  SlotPtr mask;          // bool (B, rows * columns)

  int64_t rows() const { return pixels->shape()[0]; }
  BatchMemory memory() const;
};

// In memory of the loader's allocator, which is not set.
LoadedBatch new_batch(const ImageLoader& loader, int64_t rows);

// `rows` of `batch`, in that order, in new tensors: each is filled by `copy`, on any thread.
struct RowCopy {
  LoadedBatch from;
  LoadedBatch to;
  std::vector<int64_t> rows;

  void copy() const;
};

// { pixels, tokenPixels, mask }: refused unless they are as a loader of these settings makes them.
LoadedBatch batch_from(const Napi::Value& value, const ViewSettings& settings);
Napi::Object batch_to_js(Napi::Env env, const LoadedBatch& batch);

}  // namespace beit::bindings
