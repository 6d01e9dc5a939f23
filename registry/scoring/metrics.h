#pragma once
// GAP@20, Hit@1, PERR and mAP as YouTube-8M's own evaluation defines them, with ties by expected
// value (GAP) and by lower class index (inside a video). The one implementation: training,
// ensembles and `score` all call it. Torch-free, double precision, independent of the order in
// which videos are added.

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace beamgrid {

inline constexpr int kGapTop = 20;

/// Labels are 0..kMaxClasses-1: a larger one is a damaged input, not a dataset.
inline constexpr std::int32_t kMaxClasses = 1 << 20;

/// One label's score.
struct ScoredLabel {
  std::int32_t label = 0;
  float score = 0;
};

/// The same in double, for competition files (their 9 printed digits exceed float).
struct ScoredLabelDouble {
  std::int32_t label = 0;
  double score = 0;
};

struct Metrics {
  double gap = 0;
  double hit_at_1 = 0;
  double perr = 0;
  double map = 0;
  std::int64_t videos = 0;
  /// MAP@100,000 (segment_map.h); NaN where no segments were rated.
  double segment_map = std::numeric_limits<double>::quiet_NaN();
};

/// The number that a study maximises. `objective` is one of the recipe's words: gap, map, hit_at_1,
/// perr, segment_map.
[[nodiscard]] inline double ObjectiveOf(const Metrics& metrics, const std::string& objective) {
  if (objective == "map") return metrics.map;
  if (objective == "segment_map") return metrics.segment_map;
  if (objective == "hit_at_1") return metrics.hit_at_1;
  if (objective == "perr") return metrics.perr;
  return metrics.gap;
}

/// Collects videos and computes the four metrics. Memory: 20 pairs a video, not [videos, classes].
class MetricsAccumulator {
 public:
  explicit MetricsAccumulator(int top_k = kGapTop);
  ~MetricsAccumulator();
  MetricsAccumulator(MetricsAccumulator&&) noexcept;
  MetricsAccumulator& operator=(MetricsAccumulator&&) noexcept;

  /// Room for so many videos, where their number is known.
  void Reserve(std::int64_t videos);

  // What is added must be sound: a NaN score, a repeated label or one out of range is refused with
  // std::invalid_argument, and nothing of that video counts.

  /// A dense row: scores[c] of class c. `labels`: the true classes.
  void AddDense(std::span<const float> scores, std::span<const std::int32_t> labels);

  /// A sparse list, any order; labels not listed count as score 0 and never enter the pool. An
  /// empty list has no best label, so it is no hit.
  void AddSparse(std::span<const ScoredLabel> scores, std::span<const std::int32_t> labels);
  void AddSparse(std::span<const ScoredLabelDouble> scores, std::span<const std::int32_t> labels);

  /// Of all videos so far; more may be added afterwards. Sorts what was collected in place, so it
  /// is not for two threads at once.
  [[nodiscard]] Metrics Compute() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// GAP of a pool of (score, is_positive) pairs over `positives` true labels in all; equal scores
/// count by the expectation over all their orders. `pool` is sorted in place.
struct PooledScore {
  double score;
  bool positive;
};
[[nodiscard]] double GlobalAveragePrecision(std::vector<PooledScore>& pool, std::int64_t positives);

/// The k best of a dense row, by descending score, equal scores by lower class. NaN is refused
/// (std::invalid_argument).
[[nodiscard]] std::vector<ScoredLabel> TopK(std::span<const float> scores, int k);

}  // namespace beamgrid
