// One function a file of bindings: addon.cc calls them all.
#pragma once
#include <napi.h>

#include "bindings/errors.h"

namespace beit::bindings {

void register_checkpoint(Napi::Env env, Napi::Object exports);
void register_adapt(Napi::Env env, Napi::Object exports);
void register_augmentation(Napi::Env env, Napi::Object exports);
void register_classifier(Napi::Env env, Napi::Object exports);
void register_environment(Napi::Env env, Napi::Object exports);
void register_handle(Napi::Env env, Napi::Object exports);
void register_image(Napi::Env env, Napi::Object exports);
void register_image_loader(Napi::Env env, Napi::Object exports);
void register_module(Napi::Env env, Napi::Object exports);
void register_operation(Napi::Env env, Napi::Object exports);
void register_probe(Napi::Env env, Napi::Object exports);
void register_tensor(Napi::Env env, Napi::Object exports);
void register_trainer(Napi::Env env, Napi::Object exports);

}  // namespace beit::bindings
