#pragma once
// Trials that start from another trial's weights: which finished trial of the record a recipe's
// `from` means, and where its weights are.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "registry/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// What a recipe's references mean, for each of its seeds. Only complete trials count, so a trial
/// that starts from another has that one's fingerprint before anything runs.
class StartTrials {
 public:
  /// Looks every reference up. RecipeError with the place of each that names no complete trial and
  /// with what the record has instead. `store` may be null: there is no database yet.
  StartTrials(const Recipe& recipe, const Store* store);

  /// Fingerprint of the trial that such a model starts from with this seed; empty: from none.
  [[nodiscard]] std::string For(const ModelSpec& model, std::int64_t seed) const;

 private:
  std::map<std::pair<std::string, std::int64_t>, std::string> fingerprints_;
};

/// What `model` starts from as its recipe says it; empty: from its initial values.
[[nodiscard]] std::string StartText(const ModelSpec& model);

/// The weights of a complete trial.
struct StartModel {
  std::string path;  ///< of its model.pt
  std::string hash;
};
/// Error if the record holds no such trial or names no weights of it.
[[nodiscard]] StartModel FindStartModel(const Store& store, const std::string& fingerprint);

}  // namespace beamgrid
