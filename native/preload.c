// Opens shared libraries by path and keeps them open, so that an addon that names them only by SONAME finds
// them whatever folder they lie in. Needs nothing but libc and Node-API: it loads even where libtorch is
// missing.
//
//   open(path: string, global: boolean): string | null     null, or what the dynamic linker said
#include <dlfcn.h>
#include <node_api.h>
#include <stdlib.h>

static napi_value open_library(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  size_t count = 2, length = 0;
  bool global = false;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_string_utf8(env, arguments[0], NULL, 0, &length) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &global) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARGUMENT", "open(path: string, global: boolean)");
    return NULL;
  }
  char* path = malloc(length + 1);
  if (path == NULL) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "open: no memory for the path");
    return NULL;
  }
  napi_get_value_string_utf8(env, arguments[0], path, length + 1, &length);
  void* library = dlopen(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
  free(path);
  if (library != NULL) {
    napi_get_null(env, &result);
  } else {
    napi_create_string_utf8(env, dlerror(), NAPI_AUTO_LENGTH, &result);
  }
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_library, NULL, &function);
  napi_set_named_property(env, exports, "open", function);
  return exports;
}
