#include "bindings/errors.h"

#include <ATen/ATen.h>

#include <new>

namespace beit::bindings {

static Napi::Value make_error(Napi::Env env, const std::string& code, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error.Value();
}

Napi::Value to_js_error(Napi::Env env, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Napi::Error& e) {
    return e.Value();
  } catch (const Error& e) {
    return make_error(env, e.code(), e.what());
  } catch (const c10::OutOfMemoryError& e) {
    return make_error(env, "ERR_OUT_OF_MEMORY", e.what_without_backtrace());
  } catch (const c10::AcceleratorError& e) {
    return make_error(env, "ERR_DEVICE", e.what_without_backtrace());
  } catch (const c10::Error& e) {
    return make_error(env, "ERR_NATIVE", e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return make_error(env, "ERR_OUT_OF_MEMORY", "the system has no memory left for this call");
  } catch (const std::exception& e) {
    return make_error(env, "ERR_NATIVE", e.what());
  } catch (...) {
    return make_error(env, "ERR_NATIVE", "an unknown native exception");
  }
}

}  // namespace beit::bindings
