#include "bindings/loaded_batch.h"

#include <algorithm>

namespace beit::bindings {

namespace {

std::vector<int64_t> images_shape(int64_t rows, const Size& size) {
  return {rows, 3, size.height, size.width};
}

SlotPtr new_tensor(const ImageLoader& loader, std::vector<int64_t> shape, at::ScalarType dtype) {
  int64_t elements = 1;
  for (const int64_t size : shape) elements *= size;
  const auto length = static_cast<size_t>(elements);  // uint8 and bool: a byte an element
  auto bytes = loader.allocator() ? std::make_shared<Bytes>(loader.allocator()(length), length)
                                  : std::make_shared<Bytes>(length);
  return std::make_shared<TensorSlot>(std::move(bytes), std::move(shape), dtype, at::kCPU);
}

void require(const char* name, const SlotPtr& slot, const std::vector<int64_t>& shape, at::ScalarType dtype) {
  if (!slot || slot->shape() != shape || slot->dtype() != dtype || !slot->cpu_bytes()) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected the tensor of shape ", at::IntArrayRef(shape),
         " that this image loader made");
  }
}

uint8_t* memory_of(const SlotPtr& slot) { return slot ? slot->cpu_bytes()->data.get() : nullptr; }

void copy_rows(const SlotPtr& from, const SlotPtr& to, const std::vector<int64_t>& rows) {
  if (!from) return;
  const int64_t length = from->byte_length() / from->shape()[0];
  for (size_t i = 0; i < rows.size(); i++) {
    std::copy_n(memory_of(from) + rows[i] * length, length, memory_of(to) + static_cast<int64_t>(i) * length);
  }
}

}  // namespace

BatchMemory LoadedBatch::memory() const {
  return {memory_of(pixels), memory_of(token_pixels), memory_of(mask)};
}

LoadedBatch new_batch(const ImageLoader& loader, int64_t rows) {
  const auto& settings = loader.settings();
  LoadedBatch batch;
  batch.pixels = new_tensor(loader, images_shape(rows, settings.image_size), at::kByte);
  if (settings.token_image_size) {
    batch.token_pixels = new_tensor(loader, images_shape(rows, *settings.token_image_size), at::kByte);
  }
  if (settings.mask) batch.mask = new_tensor(loader, {rows, settings.mask->grid_size()}, at::kBool);
  return batch;
}

void RowCopy::copy() const {
  copy_rows(from.pixels, to.pixels, rows);
  copy_rows(from.token_pixels, to.token_pixels, rows);
  copy_rows(from.mask, to.mask, rows);
}

LoadedBatch batch_from(const Napi::Value& value, const ViewSettings& settings) {
  const auto object = object_from(value, "result");
  LoadedBatch batch;
  batch.pixels = tensor_from(object.Get("pixels"), "pixels");
  const int64_t rows = batch.pixels->shape().empty() ? 0 : batch.rows();
  require("pixels", batch.pixels, images_shape(rows, settings.image_size), at::kByte);
  if (settings.token_image_size) {
    batch.token_pixels = tensor_from(object.Get("tokenPixels"), "tokenPixels");
    require("tokenPixels", batch.token_pixels, images_shape(rows, *settings.token_image_size), at::kByte);
  }
  if (settings.mask) {
    batch.mask = tensor_from(object.Get("mask"), "mask");
    require("mask", batch.mask, {rows, settings.mask->grid_size()}, at::kBool);
  }
  return batch;
}

Napi::Object batch_to_js(Napi::Env env, const LoadedBatch& batch) {
  const auto to_js = [env](const SlotPtr& slot) { return slot ? tensor_to_js(env, slot) : env.Null(); };
  auto result = Napi::Object::New(env);
  result.Set("pixels", to_js(batch.pixels));
  result.Set("tokenPixels", to_js(batch.token_pixels));
  result.Set("mask", to_js(batch.mask));
  return result;
}

}  // namespace beit::bindings
