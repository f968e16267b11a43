// Tensors: made from bytes, described, read back, moved, read from files.
#include "bindings/async.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "engine/storage_file.h"
#include "ops/histogram.h"
#include "ops/relative_position.h"

namespace beit::bindings {

static constexpr int64_t kMostBuckets = 1 << 20;

// tensorFrom(bytes: Uint8Array, shape: number[], dtype: string, device: string): Handle. Copies the bytes.
static Napi::Value tensor_from_bytes(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) fail("ERR_INVALID_ARGUMENT", "bytes: expected a Uint8Array");
  auto array = info[0].As<Napi::Uint8Array>();
  auto bytes = std::make_shared<Bytes>(array.ByteLength());
  std::copy_n(array.Data(), array.ByteLength(), bytes->data.get());
  return tensor_to_js(info.Env(),
                      std::make_shared<TensorSlot>(std::move(bytes), integers_from(info[1], "shape"),
                                                   dtype_from_name(string_from(info[2], "dtype")),
                                                   device_from_name(string_from(info[3], "device"))));
}

// tensorInfo(tensor): { shape: number[], dtype: string, device: string }
static Napi::Value tensor_info(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  auto shape = Napi::Array::New(info.Env(), slot->shape().size());
  for (uint32_t i = 0; i < slot->shape().size(); i++) {
    shape.Set(i, static_cast<double>(slot->shape()[i]));
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("shape", shape);
  result.Set("dtype", dtype_name(slot->dtype()));
  result.Set("device", slot->device().str());
  return result;
}

// tensorRead(tensor): Promise<ArrayBuffer>. A copy of the elements in row-major order.
static Napi::Value tensor_read(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  return on_engine(
      info.Env(), [slot] { return slot->get().detach().to(at::kCPU).contiguous(); },
      [](Napi::Env env, at::Tensor tensor) {
        auto buffer = Napi::ArrayBuffer::New(env, tensor.nbytes());
        std::copy_n(static_cast<const uint8_t*>(tensor.const_data_ptr()), tensor.nbytes(),
                    static_cast<uint8_t*>(buffer.Data()));
        return buffer;
      });
}

// tensorFirst(tensor, count: number): ArrayBuffer | null. The first elements in row-major order, read on this
// thread and so without waiting for what is queued; null: they lie on another device.
static Napi::Value tensor_first(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  if (!slot->device().is_cpu()) return info.Env().Null();
  const auto item = static_cast<int64_t>(c10::elementSize(slot->dtype()));
  const auto elements = slot->byte_length() / item;
  const auto count = integer_between(info[1], "count", 0, elements);
  auto buffer = Napi::ArrayBuffer::New(info.Env(), count * item);
  slot->copy_first(static_cast<uint8_t*>(buffer.Data()), count);
  return buffer;
}

// tensorTo(tensor, device: string, dtype: string): Promise<Handle>. Always a copy.
static Napi::Value tensor_to(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  auto device = device_from_name(string_from(info[1], "device"));
  auto dtype = dtype_from_name(string_from(info[2], "dtype"));
  return on_engine(
      info.Env(),
      [=] { return slot->get().detach().to(device, dtype, /*non_blocking=*/false, /*copy=*/true); },
      [](Napi::Env env, at::Tensor tensor) { return tensor_to_js(env, std::move(tensor)); });
}

// tensorRows(tensor, start: number, count: number): Promise<Handle>. A copy of these rows of the first
// dimension.
static Napi::Value tensor_rows(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  auto start = integer_from(info[1], "start");
  auto count = integer_from(info[2], "count");
  return on_engine(
      info.Env(),
      [=] { return slot->get().detach().narrow(0, start, count).clone(at::MemoryFormat::Contiguous); },
      [](Napi::Env env, at::Tensor tensor) { return tensor_to_js(env, std::move(tensor)); });
}

// tensorJoin(tensors: Handle[]): Promise<Handle>. One after the other along the first dimension.
static Napi::Value tensor_join(const Napi::CallbackInfo& info) {
  auto slots = tensors_from(info[0], "tensors");
  return on_engine(
      info.Env(),
      [=] {
        std::vector<at::Tensor> tensors;
        for (const auto& slot : slots) tensors.push_back(slot->get().detach());
        return at::cat(tensors);
      },
      [](Napi::Env env, at::Tensor tensor) { return tensor_to_js(env, std::move(tensor)); });
}

// tensorHistogram(tensor, buckets: number): Promise<{ counts: Float64Array, low: number, high: number }>
static Napi::Value tensor_histogram(const Napi::CallbackInfo& info) {
  auto slot = tensor_from(info[0], "tensor");
  auto buckets = integer_between(info[1], "buckets", 1, kMostBuckets);
  return on_engine(
      info.Env(), [=] { return ops::histogram(slot->get(), buckets); },
      [](Napi::Env env, const ops::Histogram& histogram) {
        auto counts = Napi::Float64Array::New(env, histogram.counts.numel());
        std::copy_n(histogram.counts.const_data_ptr<double>(), counts.ElementLength(), counts.Data());
        auto result = Napi::Object::New(env);
        result.Set("counts", counts);
        result.Set("low", histogram.low);
        result.Set("high", histogram.high);
        return result;
      });
}

// relativePositionIndex(rows: number, columns: number): Promise<Handle>
static Napi::Value relative_position_index(const Napi::CallbackInfo& info) {
  auto rows = integer_from(info[0], "rows");
  auto columns = integer_from(info[1], "columns");
  return on_engine(
      info.Env(), [=] { return ops::relative_position_index(rows, columns); },
      [](Napi::Env env, at::Tensor tensor) { return tensor_to_js(env, std::move(tensor)); });
}

static std::vector<FileRange> ranges_from(const Napi::Value& value) {
  auto array = object_from(value, "ranges").As<Napi::Array>();
  std::vector<FileRange> ranges;
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto object = object_from(array.Get(i), "ranges");
    auto crc = object.Get("crc32");
    ranges.push_back(
        {integer_from(object.Get("offset"), "offset"), integer_from(object.Get("byteLength"), "byteLength"),
         crc.IsNull() ? std::nullopt : std::optional(static_cast<uint32_t>(integer_from(crc, "crc32")))});
  }
  return ranges;
}

static std::vector<StorageView> views_from(const Napi::Value& value, size_t ranges) {
  auto array = object_from(value, "views").As<Napi::Array>();
  std::vector<StorageView> views;
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto object = object_from(array.Get(i), "views");
    const int64_t range = integer_from(object.Get("range"), "range");
    if (range < 0 || static_cast<size_t>(range) >= ranges)
      fail("ERR_INVALID_ARGUMENT", "range: no such range");
    views.push_back({string_from(object.Get("name"), "name"), static_cast<size_t>(range),
                     dtype_from_name(string_from(object.Get("dtype"), "dtype")),
                     integers_from(object.Get("shape"), "shape"),
                     integers_from(object.Get("strides"), "strides"),
                     integer_from(object.Get("offset"), "offset")});
  }
  return views;
}

// storagesFromFile(path, ranges: { offset, byteLength, crc32 }[], views: { name, range, dtype, shape,
// strides, offset }[], device): Promise<Handle[]>. Views of the same range share its memory.
static Napi::Value storages_from_file(const Napi::CallbackInfo& info) {
  auto path = string_from(info[0], "path");
  auto ranges = ranges_from(info[1]);
  auto views = views_from(info[2], ranges.size());
  auto device = device_from_name(string_from(info[3], "device"));
  auto& engine = Environment::of(info.Env()).engine();
  return on_engine(
      info.Env(),
      [=, &engine] {
        return read_storages(path, ranges, views, device, [&engine] { engine.throw_if_cancelled(); });
      },
      [](Napi::Env env, std::vector<at::Tensor> tensors) {
        auto result = Napi::Array::New(env, tensors.size());
        for (uint32_t i = 0; i < tensors.size(); i++) result.Set(i, tensor_to_js(env, tensors[i]));
        return result;
      });
}

void register_tensor(Napi::Env env, Napi::Object exports) {
  export_function<tensor_from_bytes>(env, exports, "tensorFrom");
  export_function<tensor_info>(env, exports, "tensorInfo");
  export_function<tensor_read>(env, exports, "tensorRead");
  export_function<tensor_first>(env, exports, "tensorFirst");
  export_function<tensor_to>(env, exports, "tensorTo");
  export_function<tensor_rows>(env, exports, "tensorRows");
  export_function<tensor_join>(env, exports, "tensorJoin");
  export_function<tensor_histogram>(env, exports, "tensorHistogram");
  export_function<relative_position_index>(env, exports, "relativePositionIndex");
  export_function<storages_from_file>(env, exports, "storagesFromFile");
}

}  // namespace beit::bindings
