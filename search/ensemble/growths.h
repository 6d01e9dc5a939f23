#pragma once
// The sets of models that are to be scored, and what a pass over the videos needs to score them.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace beamgrid {

/// ModelSet is indices into the pool's models, ascending; one that is repeated counts as often.
using ModelSet = std::vector<int>;

/// Growth is a set that is to be scored: one that is known, not empty, and a model more (which may
/// be in it already).
struct Growth {
  const ModelSet* set = nullptr;  ///< not owned
  int added = 0;
};

/// GrowthPlan is growths in the order in which a pass serves them.
struct GrowthPlan {
  /// Run is growths of one set, one after the other.
  struct Run {
    const ModelSet* set = nullptr;
    std::size_t begin = 0, end = 0;  ///< of the growths
  };

  explicit GrowthPlan(std::span<const Growth> of) : growths(of) {
    for (std::size_t g = 0; g < growths.size(); ++g) {
      const auto& [set, model] = growths[g];
      if (runs.empty() || runs.back().set != set) {
        runs.push_back({set, g, g});
        models.insert(models.end(), set->begin(), set->end());
      }
      runs.back().end = g + 1;
      model_of.push_back(model);
    }
    added = model_of;
    models.insert(models.end(), added.begin(), added.end());
    for (std::vector<int>* const each : {&models, &added}) {
      std::ranges::sort(*each);
      each->erase(std::unique(each->begin(), each->end()), each->end());
    }
  }

  /// Returns the models that a run's growths add.
  [[nodiscard]] std::span<const std::int32_t> AddedIn(const Run& run) const {
    return std::span(model_of).subspan(run.begin, run.end - run.begin);
  }

  std::span<const Growth> growths;
  std::vector<Run> runs;
  std::vector<int> model_of;  ///< [growths] the model that each adds
  std::vector<int> added;     ///< these, each once, ascending
  std::vector<int> models;    ///< these and the sets' members, likewise
};

}  // namespace beamgrid
