#pragma once
// The weights of the set that a search has found: which weighting, and which members are worth
// their bytes. Everything here sees the selection part alone.

#include <cstddef>
#include <optional>
#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/for_each.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// WeighedMember is a model of the set, by its place there.
struct WeighedMember {
  std::size_t index = 0;
  double weight = 0;
};

/// Weighed is the set with its weights.
struct Weighed {
  Weighting weights = Weighting::kUniform;  ///< the one that was taken; never kAuto
  std::vector<WeightingScore> scores;       ///< kAuto: of each weighting; else empty
  std::vector<WeighedMember> members;       ///< those that are worth their bytes; weights sum to 1
  std::vector<std::size_t> dropped;         ///< the others
  double gap = 0;                           ///< of the members
  std::optional<double> pull;               ///< learned weights: see LearnWeights
};

/// Drop says whether members without use may go.
enum class Drop { kIdle, kNone };

/// Weighs the models of a set over the selection part. `counts`: how often each is in the set.
///
/// kAuto takes the weighting with the highest GAP by five-fold cross-fitting: each fifth of the
/// videos, by a hash of the id, is scored with weights made on the other four, so that weights that
/// fit their own videos only gain nothing. Equal ones: the simpler, in the order of kWeightings.
/// How strongly learned weights are pulled towards equal ones is chosen in the same way, also where
/// they are asked for; where the videos are too few for it, strongly.
///
/// Then, from the smallest weight on, each member goes without which the GAP is no more than 1e-6
/// lower; learned weights are learned anew for the others.
[[nodiscard]] Weighed WeighMembers(const std::vector<AlignedModel>& models,
                                   const std::vector<double>& counts, Weighting weights, Drop drop,
                                   const Combination& combination, Missing missing,
                                   const ForEach& for_each = Serially);

/// Returns the ensemble's lists over the videos of its members.
[[nodiscard]] std::vector<VideoPrediction> CombineAll(const std::vector<AlignedModel>& members,
                                                      const std::vector<double>& weights,
                                                      const Combination& combination,
                                                      Missing missing,
                                                      const ForEach& for_each = Serially);

/// Returns the metrics of lists.
[[nodiscard]] Metrics ScoreLists(const std::vector<VideoPrediction>& videos);

}  // namespace beamgrid
