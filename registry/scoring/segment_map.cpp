#include "registry/scoring/segment_map.h"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

namespace beamgrid {
namespace {

/// Returns at [i] the probability that at least i of `marked` among `total` things in random order
/// are among the first `room`; for i = 0..marked.
std::vector<double> KeptProbabilities(std::int64_t total, std::int64_t marked, std::int64_t room) {
  const auto count = [](std::int64_t number) { return static_cast<unsigned>(number); };
  const boost::math::hypergeometric_distribution<double> kept(count(marked), count(room),
                                                              count(total));
  std::vector<double> at_least(static_cast<std::size_t>(marked) + 1);
  double tail = 0;
  // Backwards: "at least i" is exactly i, or at least i + 1.
  for (std::int64_t i = marked; i >= 0; --i) {
    const bool possible = i <= room && marked - i <= total - room;
    if (possible) tail += boost::math::pdf(kept, count(i));
    at_least[static_cast<std::size_t>(i)] = tail;
  }
  return at_least;
}

}  // namespace

SegmentMapAccumulator::SegmentMapAccumulator(std::span<const std::int32_t> classes,
                                             std::int64_t segments, std::int64_t top)
    : most_segments_(segments), top_(top) {
  if (top < 1) throw std::invalid_argument("top must be at least 1");
  for (const std::int32_t label : classes) rankings_.push_back({.label = label});
  std::ranges::sort(rankings_, {}, &Ranking::label);
}

void SegmentMapAccumulator::AddDense(std::span<const float> scores, const SegmentRatings& ratings) {
  CountSegment(ratings);
  const auto score_of = [&scores](std::int32_t label) {
    const auto index = static_cast<std::size_t>(label);
    if (index < scores.size()) return double{scores[index]};
    throw std::invalid_argument("rated class " + std::to_string(label) + " is not among the " +
                                std::to_string(scores.size()) + " scored ones");
  };
  // No ranking can be full then, so only what was rated plays a part.
  if (most_segments_ <= top_) {
    for (const std::int32_t label : ratings.rated) Rank(*Find(label), score_of(label), ratings);
    return;
  }
  for (Ranking& ranking : rankings_) Rank(ranking, score_of(ranking.label), ratings);
}

void SegmentMapAccumulator::AddSparse(std::span<const ScoredLabelDouble> scores,
                                      const SegmentRatings& ratings) {
  CountSegment(ratings);
  for (const ScoredLabelDouble& item : scores) {
    if (Ranking* ranking = Find(item.label)) Rank(*ranking, item.score, ratings);
  }
}

void SegmentMapAccumulator::CountSegment(const SegmentRatings& ratings) {
  if (segments_ == most_segments_) {
    throw std::invalid_argument("more than the " + std::to_string(most_segments_) +
                                " segments announced");
  }
  for (const std::int32_t label : ratings.rated) {
    if (Find(label) == nullptr) {
      throw std::invalid_argument("class " + std::to_string(label) +
                                  " is rated and was not announced");
    }
  }
  if (!std::ranges::includes(ratings.rated, ratings.positive)) {
    throw std::invalid_argument("a class is positive that is not rated");
  }
  for (const std::int32_t label : ratings.positive) ++Find(label)->positives;
  ++segments_;
}

void SegmentMapAccumulator::Rank(Ranking& ranking, double score, const SegmentRatings& ratings) {
  if (std::isnan(score)) {
    throw std::invalid_argument("the score of label " + std::to_string(ranking.label) + " is NaN");
  }
  if (most_segments_ > top_) KeepBest(ranking, score);
  if (!std::ranges::binary_search(ratings.rated, ranking.label)) return;
  ranking.rated.push_back({score, std::ranges::binary_search(ratings.positive, ranking.label)});
}

void SegmentMapAccumulator::KeepBest(Ranking& ranking, double score) const {
  std::vector<double>& best = ranking.best;
  if (std::ssize(best) == top_) {
    const double least = best.front();
    if (score == least) ++ranking.dropped_ties;
    if (score <= least) return;
    std::ranges::pop_heap(best, std::greater());
    best.pop_back();
    const bool tied = !best.empty() && best.front() == least;
    // The one that was dropped ties with those that stay; otherwise the new least has lost none.
    ranking.dropped_ties = tied ? ranking.dropped_ties + 1 : 0;
  }
  best.push_back(score);
  std::ranges::push_heap(best, std::greater());
}

SegmentMapAccumulator::Ranking* SegmentMapAccumulator::Find(std::int32_t label) {
  const auto found = std::ranges::lower_bound(rankings_, label, {}, &Ranking::label);
  return found != rankings_.end() && found->label == label ? &*found : nullptr;
}

/// Adds the tied scores at the last place of a full ranking: of `rated`, only some are in.
void SegmentMapAccumulator::AddLastRun(const Ranking& ranking, const std::vector<Rated>& rated,
                                       ExpectedPrecision& precision) {
  const double least = ranking.best.front();
  std::int64_t marked = 0;
  for (const Rated& item : rated) {
    if (item.score != least) continue;
    precision.Add(least, item.positive);
    ++marked;
  }
  if (marked == 0) return;
  const std::int64_t room = std::ranges::count(ranking.best, least);
  const std::vector<double> kept = KeptProbabilities(room + ranking.dropped_ties, marked, room);
  precision.CloseRun([&kept](std::int64_t i) { return kept[static_cast<std::size_t>(i)]; });
}

double SegmentMapAccumulator::AveragePrecision(const Ranking& ranking) const {
  std::vector<Rated> rated = ranking.rated;
  std::ranges::sort(rated, std::greater(), &Rated::score);
  const bool is_full = std::ssize(ranking.best) == top_;
  ExpectedPrecision precision;
  for (const Rated& item : rated) {
    if (is_full && item.score <= ranking.best.front()) break;
    precision.Add(item.score, item.positive);
  }
  static_cast<void>(precision.Sum());  // closes the run before the last one
  if (is_full) AddLastRun(ranking, rated, precision);
  return precision.Sum() / static_cast<double>(ranking.positives);
}

double SegmentMapAccumulator::Compute() const {
  double sum = 0;
  std::int64_t classes = 0;
  for (const Ranking& ranking : rankings_) {
    if (ranking.positives == 0) continue;
    sum += AveragePrecision(ranking);
    ++classes;
  }
  // No class was shown anywhere: nothing was measured, which is no 0.
  if (classes == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum / static_cast<double>(classes);
}

}  // namespace beamgrid
