#pragma once
// Changes of a recipe while they are collected: how two values, or two lists of them, are told.

#include <map>
#include <string>
#include <vector>

#include "search/recipe_changes.h"

namespace beamgrid {

/// Returns a value as a line of people: words as they are, files by their names, all else as JSON.
[[nodiscard]] std::string ChangeText(const OptionValue& value);

/// ChangeList collects changes. Not thread-safe.
class ChangeList {
 public:
  void Add(std::string text, ChangeEffect effect);
  /// Adds "KEY: THEN -> NOW" where they differ. An empty text is told as "none".
  void Value(const std::string& key, const std::string& then, const std::string& now,
             ChangeEffect effect);
  /// Adds "KEY: X is new" and "KEY: X is gone" for what is in one of them only; texts by identity.
  /// Many are counted, with the first of them.
  void Members(const std::string& key, const std::map<std::string, std::string>& then,
               const std::map<std::string, std::string>& now,
               ChangeEffect added = ChangeEffect::kAdds,
               ChangeEffect taken = ChangeEffect::kTakesAway);
  [[nodiscard]] std::vector<RecipeChange> Take() { return std::move(changes_); }

 private:
  std::vector<RecipeChange> changes_;
};

/// Adds what has changed in [train], [[grid.*]], [grid.extras] and [grid.train].
void AddGridChanges(const Recipe& then, const Recipe& now, const Catalogue& catalogue,
                    ChangeList& changes);

/// Returns "netvlad with clusters = 128": a component with those of its options that are not at
/// their defaults or that `told` names.
[[nodiscard]] std::string VariantText(const Catalogue& catalogue, const std::string& criterion,
                                      const Variant& variant,
                                      const std::vector<std::string>& told = {});

}  // namespace beamgrid
