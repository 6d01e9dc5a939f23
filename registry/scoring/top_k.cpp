// The best labels of a dense row. Compiled once for each instruction set, of which the best one is
// chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "registry/scoring/top_k.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "registry/scoring/metrics.h"

HWY_BEFORE_NAMESPACE();
namespace beamgrid {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;

/// A row is looked at in groups of so many labels; of each group are kept the maxima of so many
/// columns, each of every 16th label.
constexpr std::size_t kGroup = 64, kColumns = 16;

/// Puts the maxima of each group's columns into `maxima`. False where a score may be NaN.
bool FindMaxima(const float* scores, std::size_t groups, float* maxima) {
  const Floats d;
  auto sum = hn::Zero(d);  // NaN once any of its terms is
  for (std::size_t group = 0; group < groups; ++group) {
    for (std::size_t column = 0; column < kColumns; column += hn::Lanes(d)) {
      const float* from = scores + group * kGroup + column;
      const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + kColumns);
      const auto c = hn::LoadU(d, from + 2 * kColumns), e = hn::LoadU(d, from + 3 * kColumns);
      sum = hn::Add(sum, hn::Add(hn::Add(a, b), hn::Add(c, e)));
      hn::StoreU(hn::Max(hn::Max(a, b), hn::Max(c, e)), d, maxima + group * kColumns + column);
    }
  }
  return hn::AllFalse(d, hn::IsNaN(sum));
}

/// Raises maxima[i % width] to values[i], for all i; `size` and `width` are multiples of 16.
void RaiseMaxima(const float* values, std::size_t size, float* maxima, std::size_t width) {
  const Floats d;
  std::size_t column = 0;
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, values + i);
    hn::StoreU(hn::Max(hn::LoadU(d, maxima + column), row), d, maxima + column);
    column += hn::Lanes(d);
    if (column == width) column = 0;
  }
}

/// Returns a number for a score that is greater where the score is, and the score for that number.
std::int32_t InOrder(float score) {
  const auto bits = std::bit_cast<std::int32_t>(score);
  return bits >= 0 ? bits : bits ^ std::numeric_limits<std::int32_t>::max();
}
float ScoreAt(std::int32_t number) {
  return std::bit_cast<float>(number >= 0 ? number
                                          : number ^ std::numeric_limits<std::int32_t>::max());
}

/// Returns the kth best of the values, whose number is a multiple of 16, or less than that and more
/// than the next. Halves what is between the least and the best one, without branches that nobody
/// can predict.
float KthBest(const float* values, std::size_t size, std::size_t k) {
  const Floats d;
  auto least = hn::LoadU(d, values), best = least;
  for (std::size_t i = hn::Lanes(d); i < size; i += hn::Lanes(d)) {
    least = hn::Min(least, hn::LoadU(d, values + i));
    best = hn::Max(best, hn::LoadU(d, values + i));
  }
  // At least k values reach the one, fewer the other.
  std::int64_t reached = InOrder(hn::GetLane(hn::MinOfLanes(d, least)));
  std::int64_t missed = std::int64_t{InOrder(hn::GetLane(hn::MaxOfLanes(d, best)))} + 1;
  for (std::size_t count = 0; count != k && missed - reached > 1;) {
    const std::int64_t middle = reached + (missed - reached) / 2;
    const auto limit = hn::Set(d, ScoreAt(static_cast<std::int32_t>(middle)));
    count = 0;
    for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
      count += hn::CountTrue(d, hn::Ge(hn::LoadU(d, values + i), limit));
    }
    reached = count >= k ? middle : reached;
    missed = count >= k ? missed : middle;
  }
  return ScoreAt(static_cast<std::int32_t>(reached));
}

/// Puts values, which are all different, into descending order. Each is compared with each, which
/// for some dozens takes less time than branches that nobody can predict. `values` has room for 7
/// more.
void SortFew(const std::uint64_t* values, std::size_t size, std::uint64_t* sorted) {
  const hn::CappedTag<std::uint64_t, 8> d;
  std::uint64_t places[8];
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, values + i);
    auto greater = hn::Zero(d);  // of each value of the row: how many are
    for (std::size_t j = 0; j < size; ++j) {
      greater = hn::Sub(greater, hn::VecFromMask(d, hn::Gt(hn::Set(d, values[j]), row)));
    }
    hn::StoreU(greater, d, places);
    const std::size_t end = std::min(hn::Lanes(d), size - i);
    for (std::size_t j = 0; j < end; ++j) sorted[places[j]] = values[i + j];
  }
}

/// Returns a bit for each label of a group whose score is above the threshold, and for those that
/// are equal to it while `places` is not 0, which is lowered by their number.
std::uint64_t LabelsOfGroup(const float* scores, float threshold, std::size_t& places) {
  const Floats d;
  const auto least = hn::Set(d, threshold);
  std::uint64_t labels = 0;
  for (std::size_t column = 0; column < kGroup; column += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, scores + column);
    // Most of a row may be 0.
    const auto reaches = places > 0 ? hn::Ge(row, least) : hn::Gt(row, least);
    places -= std::min(places, hn::CountTrue(d, hn::Eq(row, least)));
    std::uint64_t bits = 0;
    hn::StoreMaskBits(d, reaches, reinterpret_cast<std::uint8_t*>(&bits));
    labels |= bits << column;
  }
  return labels;
}

/// Puts the labels of all scores above the threshold into `labels`, and those of the first `places`
/// or more that are equal to it, in ascending order; returns how many there are. `last` is
/// the last group, filled up; `maxima` are those of the groups: most groups have no such label.
std::size_t LabelsReaching(const float* scores, std::size_t groups, const float* last,
                           const float* maxima, float threshold, std::size_t places,
                           std::int32_t* labels) {
  const Floats d;
  const auto least = hn::Set(d, threshold);
  std::size_t count = 0;
  for (std::size_t group = 0; group < groups;) {
    const std::size_t first = group;
    std::uint64_t reaching = 0;  // a bit for each of the next groups
    for (; group < std::min(first + 64, groups); ++group) {
      bool reaches = false;
      for (std::size_t column = 0; column < kColumns; column += hn::Lanes(d)) {
        const auto row = hn::LoadU(d, maxima + group * kColumns + column);
        reaches |= !hn::AllFalse(d, hn::Ge(row, least));
      }
      reaching |= std::uint64_t{reaches} << (group - first);
    }
    for (; reaching != 0; reaching &= reaching - 1) {
      const std::size_t at = first + static_cast<std::size_t>(std::countr_zero(reaching));
      const float* from = at + 1 < groups ? scores + at * kGroup : last;
      std::uint64_t bits = LabelsOfGroup(from, threshold, places);
      for (; bits != 0; bits &= bits - 1) {
        labels[count++] = static_cast<std::int32_t>(at * kGroup) + std::countr_zero(bits);
      }
    }
  }
  return count;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace beamgrid
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beamgrid {
namespace {

using HWY_NAMESPACE::kColumns;
using HWY_NAMESPACE::kGroup;
HWY_EXPORT(FindMaxima);
HWY_EXPORT(RaiseMaxima);
HWY_EXPORT(KthBest);
HWY_EXPORT(SortFew);
HWY_EXPORT(LabelsReaching);

/// Returns a score that at least k labels reach, and not many more: the kth best of the maxima of
/// some parts of the row, each of some of the `maxima`. Minus infinity where there are too few.
float ThresholdFor(std::span<const float> maxima, std::size_t k) {
  // Of four times as many parts as places, a seventh more labels than places are left on average.
  const std::size_t width = (4 * k + kColumns - 1) / kColumns * kColumns;
  if (width >= maxima.size()) {
    return k > maxima.size() ? -std::numeric_limits<float>::infinity()
                             : HWY_DYNAMIC_DISPATCH(KthBest)(maxima.data(), maxima.size(), k);
  }
  std::vector<float> parts(width, -std::numeric_limits<float>::infinity());
  HWY_DYNAMIC_DISPATCH(RaiseMaxima)(maxima.data(), maxima.size(), parts.data(), width);
  return HWY_DYNAMIC_DISPATCH(KthBest)(parts.data(), width, k);
}

void RefuseFirstNan(std::span<const float> scores) {
  const auto nan = std::ranges::find_if(scores, [](float score) { return std::isnan(score); });
  if (nan == scores.end()) return;
  throw std::invalid_argument("the score of label " + std::to_string(nan - scores.begin()) +
                              " is NaN");
}

/// Returns a number that is greater for a better label: a higher score, or the same and a lower
/// label.
std::uint64_t RankOf(std::int32_t label, float score) {
  constexpr std::uint32_t kSign = 0x80000000;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 is 0
  const std::uint32_t ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return (std::uint64_t{ascending} << 32) | ~static_cast<std::uint32_t>(label);
}

std::int32_t LabelOf(std::uint64_t rank) {
  return static_cast<std::int32_t>(~static_cast<std::uint32_t>(rank));
}

/// Returns the labels of the scores that reach a threshold which at least k do, and not many more.
std::vector<std::uint64_t> RanksOfBest(std::span<const float> scores, std::size_t k) {
  const std::size_t groups = (scores.size() + kGroup - 1) / kGroup;
  const std::size_t whole = groups - 1;
  const auto maxima = std::make_unique_for_overwrite<float[]>(groups * kColumns);
  bool is_sound = HWY_DYNAMIC_DISPATCH(FindMaxima)(scores.data(), whole, maxima.get());
  // The last group is filled up.
  float last[kGroup];
  std::ranges::fill(last, -std::numeric_limits<float>::infinity());
  std::ranges::copy(scores.subspan(whole * kGroup), last);
  is_sound &= HWY_DYNAMIC_DISPATCH(FindMaxima)(last, 1, maxima.get() + whole * kColumns);
  if (!is_sound) RefuseFirstNan(scores);
  const float threshold = ThresholdFor({maxima.get(), groups * kColumns}, k);
  const auto labels = std::make_unique_for_overwrite<std::int32_t[]>(groups * kGroup);
  std::size_t count = HWY_DYNAMIC_DISPATCH(LabelsReaching)(
      scores.data(), groups, last, maxima.get(), threshold, k, labels.get());
  // What the last group was filled up with.
  while (count > 0 && labels[count - 1] >= std::ssize(scores)) --count;
  std::vector<std::uint64_t> ranks(count);
  for (std::size_t i = 0; i < count; ++i) {
    ranks[i] = RankOf(labels[i], scores[static_cast<std::size_t>(labels[i])]);
  }
  return ranks;
}

/// Puts the k best ranks in front, best first.
void SortBest(std::vector<std::uint64_t>& ranks, std::size_t k) {
  constexpr std::size_t kFew = 160, kSpare = 7;
  if (ranks.size() <= kFew) {
    std::uint64_t sorted[kFew];
    const std::size_t count = ranks.size();
    ranks.resize(count + kSpare);
    HWY_DYNAMIC_DISPATCH(SortFew)(ranks.data(), count, sorted);
    ranks.assign(sorted, sorted + count);
    return;
  }
  const auto end = ranks.begin() + static_cast<std::ptrdiff_t>(k);
  const bool many = ranks.size() > 2 * k;
  if (many) std::ranges::nth_element(ranks, end - 1, std::ranges::greater());
  boost::sort::pdqsort_branchless(ranks.begin(), many ? end : ranks.end(), std::greater<>());
}

}  // namespace

std::vector<ScoredLabel> TopK(std::span<const float> scores, int k) {
  const std::size_t places = std::min(static_cast<std::size_t>(std::max(k, 0)), scores.size());
  if (places == 0) {
    RefuseFirstNan(scores);
    return {};
  }
  std::vector<std::uint64_t> ranks = RanksOfBest(scores, places);
  SortBest(ranks, places);
  std::vector<ScoredLabel> best(places);
  for (std::size_t i = 0; i < places; ++i) {
    const std::int32_t label = LabelOf(ranks[i]);
    best[i] = {label, scores[static_cast<std::size_t>(label)]};
  }
  return best;
}

}  // namespace beamgrid
#endif  // HWY_ONCE
