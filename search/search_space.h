#pragma once
// The search space of a recipe: a lazy product of axes, never materialised.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "search/recipe.h"

namespace beamgrid {

/// A model the strategy wants, with its paper-style name ("MC-BLSTM-CG-MoE2").
struct Candidate {
  std::string name;
  ModelSpec model;
};

/// Product of: the variants of each single criterion, each extra, each training key. Point i is
/// found by mixed-radix digits, so 10^12 points cost nothing until they are asked for.
class SearchSpace {
 public:
  SearchSpace(const Recipe& recipe, const Catalogue& catalogue);

  /// Number of points before exclusions (saturates at 2^63-1).
  [[nodiscard]] std::int64_t size() const;
  /// Point `index`, or nothing if an exclusion matches it.
  [[nodiscard]] std::optional<ModelSpec> At(std::int64_t index) const;
  /// Candidates of one criterion ("temporal", "extras": all combinations of extras, "train").
  [[nodiscard]] std::vector<ModelSpec> Vary(const std::string& criterion,
                                            const ModelSpec& base) const;
  /// First variant of each criterion, extras off, train at its defaults, then the baseline on top.
  [[nodiscard]] ModelSpec Baseline() const;
  [[nodiscard]] bool Excluded(const ModelSpec& model) const;
  /// "MC-BLSTM-CG-MoE2". Distinct models of this space have distinct names.
  [[nodiscard]] std::string Name(const ModelSpec& model) const;

 private:
  const Recipe* recipe_;
  const Catalogue* catalogue_;
};

}  // namespace beamgrid
