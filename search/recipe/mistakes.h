#pragma once
// The mistakes found while a recipe is read: collected with their places, shown at the end. They
// travel through all readers, and so does the way to look at files, whose absence is a mistake too.

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "search/diagnostics.h"
#include "search/recipe.h"

namespace beamgrid {

/// Mistakes collects what is wrong with a recipe while it is read: with places, shown at the end.
/// They travel through all readers, and so does the way to look at files, whose absence is a
/// mistake too.
class Mistakes {
 public:
  /// `source` must outlive this object.
  explicit Mistakes(const RecipeSource& source, FindFile find_file = {})
      : source_(&source), find_file_(std::move(find_file)) {}

  void Add(const toml::source_region& where, std::string key, std::string message);
  [[nodiscard]] Place PlaceOf(const toml::source_region& where) const;
  [[nodiscard]] const RecipeSource& source() const { return *source_; }
  [[nodiscard]] bool empty() const { return found_.empty(); }
  /// Returns whether a mistake of this very key was added.
  [[nodiscard]] bool Has(std::string_view key) const;
  /// Takes the mistakes of this very key back.
  void Withdraw(std::string_view key);
  /// Returns the way to look at files; where it is empty, files are taken as they are written.
  [[nodiscard]] const FindFile& find_file() const { return find_file_; }
  /// Takes the mistakes out, by place, then in the order found.
  [[nodiscard]] std::vector<Diagnostic> Take();

 private:
  const RecipeSource* source_;
  FindFile find_file_;
  std::vector<Diagnostic> found_;
};

}  // namespace beamgrid
