#pragma once
// A pool of models laid out for scoring very many sets of them by GAP.
//
// The lists stay as they are stored (models.h). A pass over the videos decodes each model's list of
// a video once and scores all sets that are asked for on it (top_scorer.h); what is left per set is
// the keys of its top 20 in every video, whose GAP is computed at the end (gap.h).
//
// A key is `sum << tag_bits | (largest_label - label) << 1 | is_true`: comparing keys compares
// scores, then classes (the lower wins), as the metrics do. Scores are summed in whole units, so a
// sum is the same in whatever order a set grew, and a GAP the same for any number of threads.

#include <cstdint>
#include <span>
#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/for_each.h"
#include "search/ensemble/models.h"
#include "search/ensemble/top_scorer.h"

namespace beamgrid {

/// ModelSet is indices into the pool's models, ascending; one that is repeated counts as often.
using ModelSet = std::vector<int>;

/// Growth is a set that is to be scored: one that is known, not empty, and a model more (which may
/// be in it already).
struct Growth {
  const ModelSet* set = nullptr;  ///< not owned
  int added = 0;
};

/// EnsemblePool scores sets of models by GAP.
class EnsemblePool {
 public:
  /// `factors`: a model's share in a sum (1 each for uniform weights), 0..1. `max_terms`: the most
  /// members, repetitions included, that a set will have. Throws UsageError if they are too many
  /// for 64-bit keys.
  EnsemblePool(std::vector<AlignedModel> models, std::vector<double> factors,
               const Combination& combination, Missing missing, std::int64_t max_terms,
               ForEach for_each = Serially);

  [[nodiscard]] int size() const { return static_cast<int>(models_.size()); }

  /// Returns the GAP of each growth. Those of one set are best given one after the other.
  [[nodiscard]] std::vector<double> Score(std::span<const Growth> growths) const;

  /// Returns the GAP of `set` plus each of `candidates`, one at a time; `set` is not empty.
  [[nodiscard]] std::vector<double> ScoreExtensions(const ModelSet& set,
                                                    const std::vector<int>& candidates) const;

 private:
  using Key = std::int64_t;

  void ChooseUnit(std::int64_t max_terms);
  [[nodiscard]] Key Units(double term) const;
  void Decode(int model, std::size_t video, KeyList<Key>& list) const;
  void ScoreSome(std::span<const Growth> growths, std::span<double> gaps) const;

  std::vector<AlignedModel> models_;
  std::vector<double> factors_;
  Combination combination_;
  std::vector<Missing> missing_;  ///< of each model
  ForEach for_each_;
  std::int64_t positives_ = 0;
  std::int32_t largest_label_ = 0;
  int tag_bits_ = 0;
  double unit_ = 0;
};

}  // namespace beamgrid
