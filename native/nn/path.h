// Where a tensor lies in a module: `path / "blocks" / i / "attn"` is the state-dict key "blocks.0.attn", so
// the names of the original release come out of the construction and never out of a table of strings.
#pragma once
#include <cstdint>
#include <string>

namespace beit::nn {

class Path {
 public:
  Path() = default;
  explicit Path(std::string text) : text_(std::move(text)) {}

  Path operator/(const std::string& name) const { return Path(text_.empty() ? name : text_ + "." + name); }
  Path operator/(int64_t index) const { return *this / std::to_string(index); }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

}  // namespace beit::nn
