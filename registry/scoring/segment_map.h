#pragma once
// MAP@100,000 over segments, as the YouTube-8M challenge of 2019 defines it. The one
// implementation: training and `score` call it. Torch-free, double precision, independent of the
// order in which segments are added.
//
// For each class all scored segments are ranked; of the first 100,000 those stay that somebody
// rated for the class (an unrated segment is no negative); the average precision of these has all
// rated positives of the class as its denominator, those beyond the 100,000 too. The mean is over
// the classes that have a rated positive.
//
// Equal scores count by their expectation over all orders, at the 100,000th place too: there a
// rated segment is in with the probability that it has in a random order of the tied ones.

#include <cstdint>
#include <span>
#include <vector>

#include "registry/scoring/expected_precision.h"
#include "registry/scoring/metrics.h"

namespace beamgrid {

inline constexpr std::int64_t kSegmentMapTop = 100'000;

/// What people said of one segment. Both sorted, none twice; `positive` is part of `rated`.
struct SegmentRatings {
  std::span<const std::int32_t> positive;
  std::span<const std::int32_t> rated;
};

class SegmentMapAccumulator {
 public:
  /// `classes`: every class that any segment is rated for. `segments`: how many will be added at
  /// most. Memory: the ratings; where `segments` are more than `top`, also the best `top` scores of
  /// each class.
  SegmentMapAccumulator(std::span<const std::int32_t> classes, std::int64_t segments,
                        std::int64_t top = kSegmentMapTop);

  // What is added must be sound: a NaN score, a rating of an unknown class and a segment too many
  // are refused with std::invalid_argument.

  /// scores[c] of class c.
  void AddDense(std::span<const float> scores, const SegmentRatings& ratings);
  /// A class that is not listed does not rank the segment. No class twice.
  void AddSparse(std::span<const ScoredLabelDouble> scores, const SegmentRatings& ratings);

  /// Of all segments so far; 0 where no class has a rated positive.
  [[nodiscard]] double Compute() const;

 private:
  struct Rated {
    double score;
    bool positive;
  };
  /// The ranking of one class.
  struct Ranking {
    std::int32_t label = 0;
    std::int64_t positives = 0;
    std::vector<Rated> rated;  ///< those that are ranked
    /// The best `top` of all scores, the least first (a heap); of its least score so many more were
    /// dropped.
    std::vector<double> best;
    std::int64_t dropped_ties = 0;
  };

  void CountSegment(const SegmentRatings& ratings);
  void Rank(Ranking& ranking, double score, const SegmentRatings& ratings);
  void KeepBest(Ranking& ranking, double score) const;
  [[nodiscard]] Ranking* Find(std::int32_t label);
  static void AddLastRun(const Ranking& ranking, const std::vector<Rated>& rated,
                         ExpectedPrecision& precision);
  [[nodiscard]] double AveragePrecision(const Ranking& ranking) const;

  std::vector<Ranking> rankings_;  ///< by label
  std::int64_t most_segments_, top_;
  std::int64_t segments_ = 0;
};

}  // namespace beamgrid
