#include "registry/scoring/metrics.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "registry/scoring/expected_precision.h"
#include "registry/scoring/pooled_pair.h"
#include "registry/scoring/repeated_labels.h"
#include "registry/util/threads.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

/// Sorts by descending score, equal scores in any order, on so many threads.
template <typename Scored>
void SortByScore(std::span<Scored> pool, int threads) {
  constexpr std::size_t kWorthAThread = 50'000, kSampled = 255;
  if (threads < 2 || pool.size() < kWorthAThread) {
    // Without branches: which of two scores is larger is beyond prediction.
    boost::sort::pdqsort_branchless(pool.begin(), pool.end(), [](const Scored& a, const Scored& b) {
      return a.score > b.score;
    });
    return;
  }
  std::vector<double> sample;
  for (std::size_t i = 0; i < kSampled; ++i)
    sample.push_back(pool[pool.size() / kSampled * i].score);
  const auto share = std::ssize(sample) * (threads / 2) / threads;
  std::ranges::nth_element(sample, sample.begin() + share, std::ranges::greater());
  const double limit = sample[static_cast<std::size_t>(share)];
  const auto worse =
      std::ranges::partition(pool, [limit](const Scored& item) { return item.score > limit; });
  const std::span<Scored> better(pool.begin(), worse.begin());
  ForEachOnThreads(2, 2, [&](std::size_t part) {
    part == 0 ? SortByScore(better, threads / 2)
              : SortByScore(std::span<Scored>(worse), threads - threads / 2);
  });
}

template <typename Scored>
bool Better(const Scored& a, const Scored& b) {
  return a.score > b.score || (a.score == b.score && a.label < b.label);
}

[[noreturn]] void RefuseNan(std::int64_t label) {
  throw std::invalid_argument("the score of label " + std::to_string(label) + " is NaN");
}

void AddCounts(std::vector<std::int64_t>& counts, const std::vector<std::int64_t>& more) {
  if (counts.size() < more.size()) counts.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) counts[i] += more[i];
}

}  // namespace

struct MetricsAccumulator::State {
  std::size_t top_k = 0;
  std::vector<PooledPair> pool;
  std::vector<std::int64_t> positives_of_class;
  std::int64_t positives = 0;
  std::int64_t videos = 0;
  std::int64_t hits_at_1 = 0;
  std::int64_t hits_at_5 = 0;
  bool one_label_each = true;
  std::size_t most_scores = 0;  ///< that any video has
  /// The counted hits among the m top scores, over all videos of m positives, by m. Integers, so
  /// that the order of videos cannot show in the sum.
  std::vector<std::int64_t> perr_hits;

  std::vector<std::int32_t> truth;  ///< of the video at hand, sorted
  std::vector<ScoredLabelDouble> ranked;
  std::vector<std::int32_t> ranked_labels;

  void TakeTruth(std::span<const std::int32_t> labels, std::size_t classes = kMaxClasses);
  /// Takes a dense row's best labels and `truth` into the totals.
  void AddBest(std::span<const ScoredLabel> best, std::size_t classes);
  void RefuseRepeatedLabels();
  /// Takes `ranked` (best first, at least as long as needed) and `truth` into the totals; `scores`:
  /// how many labels of the video have one.
  void AddRanked(std::size_t scores);
  [[nodiscard]] bool IsPositive(std::int32_t label) const {
    constexpr std::size_t kFew = 8;
    if (truth.size() > kFew) return std::ranges::binary_search(truth, label);
    // Nobody can predict the branches of a search.
    bool is_there = false;
    for (const std::int32_t of_video : truth) is_there |= of_video == label;
    return is_there;
  }
  [[nodiscard]] double Perr() const;
};

void MetricsAccumulator::State::TakeTruth(std::span<const std::int32_t> labels,
                                          std::size_t classes) {
  truth.assign(labels.begin(), labels.end());
  std::ranges::sort(truth);
  if (std::ranges::adjacent_find(truth) != truth.end()) {
    throw std::invalid_argument("a true label is repeated within a video");
  }
  if (truth.empty()) return;
  if (truth.front() < 0 || truth.back() >= kMaxClasses) {
    throw std::invalid_argument("true label " +
                                std::to_string(truth.front() < 0 ? truth.front() : truth.back()) +
                                " is not in 0.." + std::to_string(kMaxClasses - 1));
  }
  if (static_cast<std::size_t>(truth.back()) >= classes) {
    throw std::invalid_argument("true label " + std::to_string(truth.back()) +
                                " is not among the " + std::to_string(classes) + " classes");
  }
}

void MetricsAccumulator::State::AddBest(std::span<const ScoredLabel> best, std::size_t classes) {
  ranked.clear();
  for (const ScoredLabel& item : best) ranked.push_back({item.label, item.score});
  AddRanked(classes);
}

void MetricsAccumulator::State::RefuseRepeatedLabels() {
  ranked_labels.clear();
  for (const ScoredLabelDouble& item : ranked) {
    if (std::isnan(item.score)) RefuseNan(item.label);
    if (item.label < 0 || item.label >= kMaxClasses) {
      throw std::invalid_argument("label " + std::to_string(item.label) + " is not in 0.." +
                                  std::to_string(kMaxClasses - 1));
    }
    ranked_labels.push_back(item.label);
  }
  if (HasRepeated(ranked_labels)) {
    throw std::invalid_argument("a label is scored twice within a video");
  }
}

void MetricsAccumulator::State::AddRanked(std::size_t scores) {
  const std::size_t count = truth.size();
  if (perr_hits.size() <= count) perr_hits.resize(count + 1);
  const std::size_t needed = std::max({top_k, count, static_cast<std::size_t>(kTopClasses)});
  bool is_hit_at_5 = false;
  for (std::size_t i = 0; i < std::min(needed, ranked.size()); ++i) {
    const auto& [label, score] = ranked[i];
    const bool positive = IsPositive(label);
    if (i < top_k) pool.push_back({score, label, positive});
    if (!positive) continue;
    // As in YouTube-8M's evaluation code: a score of 0 is no prediction.
    if (i < count && score > 0) ++perr_hits[count];
    if (i == 0) ++hits_at_1;
    is_hit_at_5 = is_hit_at_5 || i == 0 || (i < kTopClasses && score > 0);
  }
  if (is_hit_at_5) ++hits_at_5;
  one_label_each = one_label_each && count == 1;
  most_scores = std::max(most_scores, scores);
  for (const std::int32_t label : truth) {
    const auto index = static_cast<std::size_t>(label);
    if (positives_of_class.size() <= index) positives_of_class.resize(index + 1);
    ++positives_of_class[index];
  }
  positives += static_cast<std::int64_t>(count);
  ++videos;
}

double MetricsAccumulator::State::Perr() const {
  double sum = 0;
  for (std::size_t m = 1; m < perr_hits.size(); ++m) {
    sum += static_cast<double>(perr_hits[m]) / static_cast<double>(m);
  }
  return sum / static_cast<double>(videos);
}

Metrics NotMeasured(std::int64_t videos) {
  Metrics metrics{.videos = videos};
  for (const Metric& metric : kMetrics) {
    metrics.*metric.value = std::numeric_limits<double>::quiet_NaN();
  }
  return metrics;
}

bool IsMeasured(const Metrics& metrics) {
  return std::ranges::any_of(
      kMetrics, [&](const Metric& metric) { return std::isfinite(metrics.*metric.value); });
}

std::vector<std::string> MetricNames() {
  std::vector<std::string> names;
  for (const Metric& metric : kMetrics) names.emplace_back(metric.name);
  std::ranges::sort(names);
  return names;
}

const Metric* FindMetric(std::string_view name) {
  const Metric* found = std::ranges::find(kMetrics, name, &Metric::name);
  return found == std::end(kMetrics) ? nullptr : found;
}

const Metric* MetricNamed(const std::string& setting, const std::string& name) {
  const Metric* found = FindMetric(name);
  if (found == nullptr) RefuseWord(setting, name, MetricNames());
  return found;
}

MetricsAccumulator::MetricsAccumulator(int top_k) : state_(std::make_unique<State>()) {
  if (top_k < 1) throw std::invalid_argument("top_k must be at least 1");
  state_->top_k = static_cast<std::size_t>(top_k);
}
MetricsAccumulator::~MetricsAccumulator() = default;
MetricsAccumulator::MetricsAccumulator(MetricsAccumulator&&) noexcept = default;
MetricsAccumulator& MetricsAccumulator::operator=(MetricsAccumulator&&) noexcept = default;

void MetricsAccumulator::Reserve(std::int64_t videos) {
  state_->pool.reserve(static_cast<std::size_t>(videos) * state_->top_k);
}

void MetricsAccumulator::AddDense(std::span<const float> scores,
                                  std::span<const std::int32_t> labels) {
  State& state = *state_;
  state.TakeTruth(labels, scores.size());
  state.AddBest(TopK(scores, static_cast<int>(BestNeeded(labels.size()))), scores.size());
}

void MetricsAccumulator::AddBest(std::span<const ScoredLabel> best, std::size_t classes,
                                 std::span<const std::int32_t> labels) {
  state_->TakeTruth(labels, classes);
  state_->AddBest(best.first(std::min(best.size(), BestNeeded(labels.size()))), classes);
}

std::size_t MetricsAccumulator::BestNeeded(std::size_t true_labels) const {
  // As many as there are true labels, even beyond top_k: PERR looks that far down.
  return std::max({state_->top_k, true_labels, static_cast<std::size_t>(kTopClasses)});
}

void MetricsAccumulator::AddSparse(std::span<const ScoredLabelDouble> scores,
                                   std::span<const std::int32_t> labels) {
  State& state = *state_;
  state.TakeTruth(labels);
  state.ranked.assign(scores.begin(), scores.end());
  state.RefuseRepeatedLabels();
  if (!std::ranges::is_sorted(state.ranked, Better<ScoredLabelDouble>)) {
    std::ranges::sort(state.ranked, Better<ScoredLabelDouble>);
  }
  state.AddRanked(state.ranked.size());
}

void MetricsAccumulator::AddSparse(std::span<const ScoredLabel> scores,
                                   std::span<const std::int32_t> labels) {
  std::vector<ScoredLabelDouble> exact;
  exact.reserve(scores.size());
  for (const ScoredLabel& item : scores) exact.push_back({item.label, item.score});
  AddSparse(exact, labels);
}

void MetricsAccumulator::Add(MetricsAccumulator&& other) {
  State& state = *state_;
  const State& more = *other.state_;
  state.pool.insert(state.pool.end(), more.pool.begin(), more.pool.end());
  AddCounts(state.positives_of_class, more.positives_of_class);
  AddCounts(state.perr_hits, more.perr_hits);
  state.positives += more.positives;
  state.videos += more.videos;
  state.hits_at_1 += more.hits_at_1;
  state.hits_at_5 += more.hits_at_5;
  state.one_label_each = state.one_label_each && more.one_label_each;
  state.most_scores = std::max(state.most_scores, more.most_scores);
  other = MetricsAccumulator(static_cast<int>(more.top_k));
}

Metrics MetricsAccumulator::Compute(int threads) const {
  State& state = *state_;
  if (state.positives == 0) return NotMeasured(state.videos);
  ExpectedPrecision whole;
  std::vector<ExpectedPrecision> of_class(state.positives_of_class.size());
  const auto add = [&](const PooledPair& pair) {
    whole.Add(pair.score, pair.positive);
    // Classes beyond have no positives and are dropped from the mean.
    const auto label = static_cast<std::size_t>(pair.label);
    if (label < of_class.size()) of_class[label].Add(pair.score, pair.positive);
  };
  if (auto packed = PackFloats(state.pool)) {
    hwy::Sorter()(packed->data(), packed->size(), hwy::SortDescending());
    for (const std::uint64_t pair : *packed) add(Unpacked(pair));
  } else {
    SortByScore(std::span(state.pool), threads);
    std::ranges::for_each(state.pool, add);
  }
  double map_sum = 0;
  std::int64_t classes = 0;
  for (std::size_t label = 0; label < of_class.size(); ++label) {
    const std::int64_t positives = state.positives_of_class[label];
    if (positives == 0) continue;
    map_sum += of_class[label].Sum() / static_cast<double>(positives);
    ++classes;
  }
  const auto videos = static_cast<double>(state.videos);
  const double accuracy = static_cast<double>(state.hits_at_1) / videos;
  const double top_5 = static_cast<double>(state.hits_at_5) / videos;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const bool tells = state.one_label_each && state.most_scores > kTopClasses;
  return {.gap = whole.Sum() / static_cast<double>(state.positives),
          .hit_at_1 = accuracy,
          .perr = state.Perr(),
          .map = map_sum / static_cast<double>(classes),
          .accuracy = state.one_label_each ? accuracy : kNone,
          .top_5 = tells ? top_5 : kNone,
          .videos = state.videos};
}

double GlobalAveragePrecision(std::vector<PooledScore>& pool, std::int64_t positives) {
  if (positives <= 0) return 0;
  SortByScore(std::span(pool), 1);
  ExpectedPrecision precision;
  for (const PooledScore& item : pool) precision.Add(item.score, item.positive);
  return precision.Sum() / static_cast<double>(positives);
}

}  // namespace beamgrid
