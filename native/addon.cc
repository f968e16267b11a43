// The addon: one environment object a JavaScript thread, then the bindings one file each.
#include <napi.h>

#include "bindings/environment.h"
#include "bindings/register.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  // Deleted with the environment; the cleanup hook of a worker joins its threads through the destructor.
  env.SetInstanceData(new beit::bindings::Environment(env));
  beit::bindings::register_checkpoint(env, exports);
  beit::bindings::register_adapt(env, exports);
  beit::bindings::register_augmentation(env, exports);
  beit::bindings::register_classifier(env, exports);
  beit::bindings::register_environment(env, exports);
  beit::bindings::register_handle(env, exports);
  beit::bindings::register_image(env, exports);
  beit::bindings::register_image_loader(env, exports);
  beit::bindings::register_module(env, exports);
  beit::bindings::register_operation(env, exports);
  beit::bindings::register_probe(env, exports);
  beit::bindings::register_tensor(env, exports);
  beit::bindings::register_trainer(env, exports);
  return exports;
}

NODE_API_MODULE(beit, init)
