#include "engine/own_library.h"

#include <dlfcn.h>

namespace beit {

LibrarySymbol library_symbol(const std::string& path, const char* name) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, dlerror()};
  void* address = dlsym(library, name);
  if (address == nullptr) return {nullptr, path + " has no " + name};
  return {address, ""};
}

std::string beside_addon(const std::string& file) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&beside_addon), &info) == 0 || info.dli_fname == nullptr) {
    return "./" + file;
  }
  const std::string addon = info.dli_fname;
  return addon.substr(0, addon.find_last_of('/') + 1) + file;
}

}  // namespace beit
