// What the writers of checkpoint files need: which tensors share memory, files put together from pieces, and
// their checksums. The formats themselves are lib/checkpoint.
#include <unordered_map>

#include "bindings/async.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "engine/crc32.h"
#include "engine/file_pieces.h"

namespace beit::bindings {

namespace {

Napi::Array numbers_to_js(Napi::Env env, at::IntArrayRef numbers) {
  auto array = Napi::Array::New(env, numbers.size());
  for (uint32_t i = 0; i < numbers.size(); i++) array.Set(i, static_cast<double>(numbers[i]));
  return array;
}

struct TensorLayout {
  int64_t storage;  // index of the first tensor given that has the same
  int64_t offset;
  std::vector<int64_t> strides;
  bool dense;
};

std::vector<TensorLayout> layouts_of(const std::vector<SlotPtr>& slots) {
  std::unordered_map<const c10::StorageImpl*, int64_t> first;
  std::vector<TensorLayout> layouts;
  for (const auto& slot : slots) {
    const auto& tensor = slot->get();
    const auto index = static_cast<int64_t>(layouts.size());
    const auto storage = first.emplace(tensor.storage().unsafeGetStorageImpl(), index).first->second;
    layouts.push_back(
        {storage, tensor.storage_offset(), tensor.strides().vec(), tensor.is_non_overlapping_and_dense()});
  }
  return layouts;
}

Napi::Value layouts_to_js(Napi::Env env, const std::vector<TensorLayout>& layouts) {
  auto result = Napi::Array::New(env, layouts.size());
  for (uint32_t i = 0; i < layouts.size(); i++) {
    auto layout = Napi::Object::New(env);
    layout.Set("storage", static_cast<double>(layouts[i].storage));
    layout.Set("offset", static_cast<double>(layouts[i].offset));
    layout.Set("strides", numbers_to_js(env, layouts[i].strides));
    layout.Set("dense", layouts[i].dense);
    result.Set(i, layout);
  }
  return result;
}

std::vector<uint8_t> copied_bytes(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray()) fail("ERR_INVALID_ARGUMENT", name, ": expected a Uint8Array");
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ByteLength()};
}

// As the engine thread gets it: the tensor of a slot may only be asked for there.
struct PieceRequest {
  FilePiece piece;
  SlotPtr slot;
};

PieceRequest piece_from(const Napi::Value& value) {
  const auto object = object_from(value, "pieces");
  PieceRequest request;
  if (object.Has("bytes")) {
    request.piece.bytes = copied_bytes(object.Get("bytes"), "pieces.bytes");
  } else {
    request.slot = tensor_from(object.Get("tensor"), "pieces.tensor");
  }
  if (object.Has("range")) {
    const auto range = integers_from(object.Get("range"), "pieces.range");
    if (range.size() != 2) fail("ERR_INVALID_ARGUMENT", "pieces.range: expected [begin, end]");
    request.piece.range = {range[0], range[1]};
  }
  if (object.Has("crcAt")) request.piece.crc_at = integers_from(object.Get("crcAt"), "pieces.crcAt");
  return request;
}

}  // namespace

// tensorLayouts(tensors: Handle[]): Promise<{ storage: number, offset, strides: number[], dense: boolean }[]>
static Napi::Value tensor_layouts(const Napi::CallbackInfo& info) {
  auto slots = tensors_from(info[0], "tensors");
  return on_engine(info.Env(), [slots] { return layouts_of(slots); }, layouts_to_js);
}

// piecesToFile(path, pieces: FilePiece[]): Promise<void>
static Napi::Value pieces_to_file(const Napi::CallbackInfo& info) {
  auto path = string_from(info[0], "path");
  if (!info[1].IsArray()) fail("ERR_INVALID_ARGUMENT", "pieces: expected an array");
  const auto array = info[1].As<Napi::Array>();
  auto requests = std::make_shared<std::vector<PieceRequest>>();
  for (uint32_t i = 0; i < array.Length(); i++) requests->push_back(piece_from(array.Get(i)));
  return on_engine(info.Env(), [path, requests] {
    std::vector<FilePiece> pieces;
    for (auto& [piece, slot] : *requests) {
      if (slot) piece.tensor = slot->get();
      pieces.push_back(std::move(piece));
    }
    write_pieces(path, pieces);
  });
}

// crc32(bytes: Uint8Array, before: number, plain: boolean): number
static Napi::Value crc32_of_bytes(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) fail("ERR_INVALID_ARGUMENT", "bytes: expected a Uint8Array");
  const auto array = info[0].As<Napi::Uint8Array>();
  const auto before = static_cast<uint32_t>(integer_from(info[1], "before"));
  const auto compute = boolean_from(info[2], "plain") ? crc32_plain : crc32;
  return Napi::Number::New(info.Env(), compute(before, array.Data(), array.ByteLength()));
}

void register_checkpoint(Napi::Env env, Napi::Object exports) {
  export_function<tensor_layouts>(env, exports, "tensorLayouts");
  export_function<pieces_to_file>(env, exports, "piecesToFile");
  export_function<crc32_of_bytes>(env, exports, "crc32");
}

}  // namespace beit::bindings
