// Libraries that lie beside the addon and are opened when they are needed.
#pragma once
#include <string>

namespace beit {

// A symbol of a library, or why there is none.
struct LibrarySymbol {
  void* address = nullptr;
  std::string problem;
};
LibrarySymbol library_symbol(const std::string& path, const char* name);

// `file` in the folder of the addon's own file.
std::string beside_addon(const std::string& file);

}  // namespace beit
