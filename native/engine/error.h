// The one exception of the native code that carries a code of BeitError (lib/errors.ts lists them).
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace beit {

class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

// Throws `code` with the parts joined: fail("ERR_IO", "cannot open ", path).
template <class... Parts>
[[noreturn]] void fail(const char* code, const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Error(code, message.str());
}

}  // namespace beit
