#pragma once
// GAP@20, Hit@1, PERR and mAP as YouTube-8M's own evaluation defines them, and accuracies where a
// video has one label, with ties by expected value (GAP) and by lower class index (inside a video).
// The one implementation: training,
// ensembles and `score` all call it. Torch-free, double precision, independent of the order in
// which videos are added.

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

inline constexpr int kGapTop = 20;
/// The classes that top_5 looks at; of no more than these it would always be 1.
inline constexpr int kTopClasses = 5;

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
  /// Of videos that have exactly one true label each: the share whose label has the best score
  /// (hit_at_1 by its usual name), and the share whose label is among the five best. NaN where any
  /// video has another number of labels; top_5 also where no video has more than five scores.
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  double top_5 = std::numeric_limits<double>::quiet_NaN();
  std::int64_t videos = 0;
  /// MAP@100,000 (segment_map.h); NaN where no segments were rated.
  double segment_map = std::numeric_limits<double>::quiet_NaN();
};

/// A Metric is one of the numbers that a trial can be judged by; all are to be maximised.
struct Metric {
  /// Metrics that need one label a video or rated segments are NaN where the data have another
  /// form, and absent from the results of programs that did not know them. A result without one
  /// that needs labels alone is not whole.
  enum class Needs { kLabels, kOneLabel, kRatedSegments };

  const char* name;     ///< its word in recipes, options and JSON, and its column in the record
  const char* heading;  ///< "Hit@1" above a column
  const char* title;    ///< "GAP@20" on a line of its own
  double Metrics::* value;
  Needs needs;
};

/// The metrics in the order in which they are printed; a study that names none maximises the first.
/// Whatever reads, writes, lists or refuses metrics walks this table. So a new one is a member
/// above, a line here, its computation, and a migration (registry/store/schema): SQL views name
/// their columns, so `result`, `epoch` and the views over them have to be told.
inline constexpr Metric kMetrics[] = {
    {"gap", "GAP", "GAP@20", &Metrics::gap, Metric::Needs::kLabels},
    {"hit_at_1", "Hit@1", "Hit@1", &Metrics::hit_at_1, Metric::Needs::kLabels},
    {"perr", "PERR", "PERR", &Metrics::perr, Metric::Needs::kLabels},
    {"map", "mAP", "mAP", &Metrics::map, Metric::Needs::kLabels},
    {"accuracy", "accuracy", "accuracy", &Metrics::accuracy, Metric::Needs::kOneLabel},
    {"top_5", "top-5", "top-5", &Metrics::top_5, Metric::Needs::kOneLabel},
    {"segment_map", "MAP@100k", "MAP@100k", &Metrics::segment_map, Metric::Needs::kRatedSegments}};

/// The names of all metrics in alphabetical order, as messages and help list them.
[[nodiscard]] std::vector<std::string> MetricNames();

/// The metric of that name, or null.
[[nodiscard]] const Metric* FindMetric(std::string_view name);

/// The metric that `setting` names; UsageError with all names and the nearest where there is none.
[[nodiscard]] const Metric* MetricNamed(const std::string& setting, const std::string& name);

/// Metrics of which none was measured: each is NaN, which is no number that could be taken for one.
[[nodiscard]] Metrics NotMeasured(std::int64_t videos);
/// Whether any of them was measured.
[[nodiscard]] bool IsMeasured(const Metrics& metrics);

/// The number that a study maximises.
[[nodiscard]] inline double ObjectiveOf(const Metrics& metrics, const Metric* objective) {
  return metrics.*objective->value;
}

/// Collects videos and computes the metrics of labels. Memory: 20 pairs a video, not [videos,
/// classes].
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
  /// The same of which the best labels are known: `best` is TopK of the row of so many classes,
  /// whose k is at least BestNeeded() of its true labels.
  void AddBest(std::span<const ScoredLabel> best, std::size_t classes,
               std::span<const std::int32_t> labels);
  /// How many of a dense row's best labels count for a video of so many true ones.
  [[nodiscard]] std::size_t BestNeeded(std::size_t true_labels) const;

  /// A sparse list, any order; labels not listed count as score 0 and never enter the pool. An
  /// empty list has no best label, so it is no hit. Of top_5's second to fifth label a score of 0
  /// is no prediction, as for PERR.
  void AddSparse(std::span<const ScoredLabel> scores, std::span<const std::int32_t> labels);
  void AddSparse(std::span<const ScoredLabelDouble> scores, std::span<const std::int32_t> labels);

  /// Takes over the videos of another one, which has none then.
  void Add(MetricsAccumulator&& other);

  /// Of all videos so far; more may be added afterwards. NotMeasured where none of them has a true
  /// label: nothing could be right or wrong. Sorts what was collected in place, so it
  /// is not for two threads at once; on `threads` threads of its own, whose number changes no bit.
  [[nodiscard]] Metrics Compute(int threads = 1) const;

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
