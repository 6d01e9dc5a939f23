#pragma once
// The mistakes found while a recipe is read: collected with their places, shown at the end.

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "search/diagnostics.h"

namespace beamgrid {

class Mistakes {
 public:
  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  void Add(const toml::source_region& where, std::string key, std::string message);
  [[nodiscard]] Place PlaceOf(const toml::source_region& where) const;
  [[nodiscard]] bool empty() const { return found_.empty(); }
  /// By place, then in the order found.
  [[nodiscard]] std::vector<Diagnostic> Take();

 private:
  std::string file_;
  std::vector<Diagnostic> found_;
};

/// "; did you mean 'netvlad'?", or nothing where no candidate is near.
[[nodiscard]] std::string Suggestion(std::string_view word,
                                     const std::vector<std::string>& candidates);

/// "a, b, c"
[[nodiscard]] std::string Join(const std::vector<std::string>& words);

}  // namespace beamgrid
