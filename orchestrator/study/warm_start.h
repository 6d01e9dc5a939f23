#pragma once
// Trials that start from another trial's weights: which finished trial of the record a recipe's
// `from` means, and where its weights are.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// WarmStart is the trial that a model starts from.
struct WarmStart {
  std::string fingerprint;  ///< empty: from none
  std::string problem;      ///< not empty: it cannot be told, and why
};

/// WarmStarts knows what a recipe's references mean, for each of its seeds. Only complete trials
/// count, so a trial that starts from another has that one's fingerprint before anything runs.
///
/// "STUDY/*" is the model's counterpart in that study: of the trials with the same multimodal,
/// temporal, classifier and label processing components the one that differs in the fewest options
/// and extras (a second phase samples other frames and drops the noise, and is the same network).
class WarmStarts {
 public:
  /// Looks every reference up. Throws RecipeError with the place of each that names no complete
  /// trial, with what the record has instead, or one whose features were normalised otherwise
  /// (data.normalise), for its weights were learnt on other numbers. `store` may be null: there is
  /// no database yet.
  WarmStarts(const Recipe& recipe, const Store* store);

  /// Returns the trial that `model` starts from with this seed; no fingerprint where it starts from
  /// none.
  [[nodiscard]] WarmStart For(const ModelSpec& model, std::int64_t seed) const;

  /// Returns all trials that models of these seeds may start from.
  [[nodiscard]] std::set<std::string> Fingerprints(const std::vector<std::int64_t>& seeds) const;

 private:
  /// Candidate is a complete trial, as a counterpart is looked for among them.
  struct Candidate {
    std::string name, fingerprint;
    std::int64_t seed = 0;
    ModelSpec model;
  };
  /// Returns why the recipe's trials cannot start from that study's; empty: they can.
  std::string AddCounterparts(const WarmStartReference& start, const Recipe& recipe,
                              const Store& store);
  [[nodiscard]] WarmStart CounterpartOf(const ModelSpec& model,
                                        const std::vector<Candidate>& candidates,
                                        std::int64_t seed) const;

  std::map<std::pair<std::string, std::int64_t>, std::string> fingerprints_;
  std::map<std::string, std::vector<Candidate>> candidates_;  ///< by reference
};

/// Returns what `model` starts from as its recipe says it; empty: from its initial values.
[[nodiscard]] std::string WarmStartText(const ModelSpec& model);

/// WarmStartModel is the weights of a complete trial.
struct WarmStartModel {
  std::string path;  ///< of its model.pt
  std::string hash;
};
/// Returns where the weights of a complete trial are. Throws Error if the record holds no such
/// trial or names no weights of it, and where `prune` gave them up.
[[nodiscard]] WarmStartModel FindWarmStartModel(const Store& store, const std::string& fingerprint);

}  // namespace beamgrid
