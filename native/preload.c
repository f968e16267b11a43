// Opens shared libraries by path and keeps them open, so that an addon that names them only by SONAME finds
// them whatever folder they lie in. Needs nothing but libc and Node-API: it loads even where libtorch is
// missing.
//
//   open(path: string, global: boolean): string | null    null, or what the dynamic linker said
//   loaded(name: string): string | null                   path of the library of that SONAME if it is open
//   already
#define _GNU_SOURCE
#include <dlfcn.h>
#ifdef __linux__
#include <link.h>
#endif
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>

// Argument 0 as a string that the caller frees, argument 1 into `flag` unless that is NULL; NULL with a
// pending exception when they are something else.
static char* read_arguments(napi_env env, napi_callback_info info, bool* flag) {
  napi_value arguments[2];
  size_t count = 2, length = 0;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_string_utf8(env, arguments[0], NULL, 0, &length) != napi_ok ||
      (flag != NULL && napi_get_value_bool(env, arguments[1], flag) != napi_ok)) {
    napi_throw_type_error(env, "ERR_INVALID_ARGUMENT",
                          "preload: expected open(path: string, global: boolean) or loaded(name: string)");
    return NULL;
  }
  char* text = malloc(length + 1);
  if (text == NULL) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "preload: no memory for the path");
    return NULL;
  }
  napi_get_value_string_utf8(env, arguments[0], text, length + 1, &length);
  return text;
}

static napi_value string_or_null(napi_env env, const char* text) {
  napi_value result;
  if (text == NULL) {
    napi_get_null(env, &result);
  } else {
    napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  }
  return result;
}

static napi_value open_library(napi_env env, napi_callback_info info) {
  bool global = false;
  char* path = read_arguments(env, info, &global);
  if (path == NULL) return NULL;
  void* library = dlopen(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
  free(path);
  return string_or_null(env, library != NULL ? NULL : dlerror());
}

static napi_value loaded_library(napi_env env, napi_callback_info info) {
  char* name = read_arguments(env, info, NULL);
  if (name == NULL) return NULL;
  const char* path = NULL;
#ifdef __linux__
  struct link_map* map = NULL;
  void* library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  if (library != NULL && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0) path = map->l_name;
#endif
  free(name);
  return string_or_null(env, path);
}

static void export_function(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT() {
  export_function(env, exports, "open", open_library);
  export_function(env, exports, "loaded", loaded_library);
  return exports;
}
