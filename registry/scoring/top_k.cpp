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
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "registry/scoring/metrics.h"

HWY_BEFORE_NAMESPACE();
namespace beamgrid {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;

/// Raises maxima[i % width] to scores[i], for all i; `width` is a multiple of 16. False where a
/// score is NaN.
bool RaiseMaxima(const float* scores, std::size_t size, float* maxima, std::size_t width) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  auto any_nan = hn::IsNaN(hn::Zero(d));
  std::size_t i = 0, column = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto row = hn::LoadU(d, scores + i);
    any_nan = hn::Or(any_nan, hn::IsNaN(row));
    hn::StoreU(hn::Max(hn::LoadU(d, maxima + column), row), d, maxima + column);
    column += lanes;
    if (column == width) column = 0;
  }
  bool sound = hn::AllFalse(d, any_nan);
  for (; i < size; ++i, ++column) {
    sound = sound && !std::isnan(scores[i]);
    maxima[column] = std::max(maxima[column], scores[i]);
  }
  return sound;
}

/// Returns the kth best of the values, whose number is a multiple of 16: the least of those that
/// fewer than k are better than. Each is compared with each, which for 64 takes less time than
/// branches that nobody can predict.
float KthBest(const float* values, std::size_t size, std::size_t k) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> numbers;
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  auto least = infinity;
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, values + i);
    auto better = hn::Zero(numbers);  // of each value of the row: how many
    for (std::size_t j = 0; j < size; ++j) {
      const auto is_better = hn::RebindMask(numbers, hn::Gt(hn::Set(d, values[j]), row));
      better = hn::Sub(better, hn::VecFromMask(numbers, is_better));
    }
    const auto is_among = hn::Lt(better, hn::Set(numbers, static_cast<std::uint32_t>(k)));
    least = hn::Min(least, hn::IfThenElse(hn::RebindMask(d, is_among), row, infinity));
  }
  return hn::GetLane(hn::MinOfLanes(d, least));
}

/// Puts the labels of all scores above the threshold into `labels`, and those of the first `places`
/// or more that are equal to it, in ascending order; returns how many there are. `labels` has room
/// for 16 more than there are scores.
std::size_t LabelsReaching(const float* scores, std::size_t size, float threshold,
                           std::size_t places, std::int32_t* labels) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto least = hn::Set(d, threshold);
  std::size_t i = 0, count = 0, equal = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto row = hn::LoadU(d, scores + i);
    // Most of a row may be 0.
    const auto reaches = equal < places ? hn::Ge(row, least) : hn::Gt(row, least);
    std::uint64_t bits = 0;
    hn::StoreMaskBits(d, reaches, reinterpret_cast<std::uint8_t*>(&bits));
    if (bits == 0) continue;
    equal += hn::CountTrue(d, hn::Eq(row, least));
    // Few lanes do: one after the other is quicker than CompressStore, on some processors by far.
    for (; bits != 0; bits &= bits - 1) {
      labels[count++] = static_cast<std::int32_t>(i) + std::countr_zero(bits);
    }
  }
  for (; i < size; ++i) {
    if (scores[i] >= threshold) labels[count++] = static_cast<std::int32_t>(i);
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

HWY_EXPORT(RaiseMaxima);
HWY_EXPORT(KthBest);
HWY_EXPORT(LabelsReaching);

/// Returns a score that at least k labels reach, and not many more: the kth best of the maxima of
/// `width` parts of the row. Minus infinity where there are too few parts with a label.
float ThresholdFor(std::span<const float> scores, std::size_t k) {
  constexpr std::size_t kLanes = 16, kFewest = 64;
  // Of twice as many parts as places, a third more labels than places are left on average.
  const std::size_t width = std::max(kFewest, (2 * k + kLanes - 1) / kLanes * kLanes);
  if (width >= scores.size()) return -std::numeric_limits<float>::infinity();
  std::vector<float> maxima(width, -std::numeric_limits<float>::infinity());
  if (!HWY_DYNAMIC_DISPATCH(RaiseMaxima)(scores.data(), scores.size(), maxima.data(), width)) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  constexpr std::size_t kMostCompared = 128;
  if (width <= kMostCompared) return HWY_DYNAMIC_DISPATCH(KthBest)(maxima.data(), width, k);
  const auto kth = maxima.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::ranges::nth_element(maxima, kth, std::ranges::greater());
  return *kth;
}

void RefuseFirstNan(std::span<const float> scores) {
  const auto nan = std::ranges::find_if(scores, [](float score) { return std::isnan(score); });
  if (nan == scores.end()) return;
  throw std::invalid_argument("the score of label " + std::to_string(nan - scores.begin()) +
                              " is NaN");
}

/// Returns a number that is less for a better label: a higher score, or the same and a lower label.
std::uint64_t RankOf(std::int32_t label, float score) {
  constexpr std::uint32_t kSign = 0x80000000;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 is 0
  const std::uint32_t ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return (std::uint64_t{~ascending} << 32) | static_cast<std::uint32_t>(label);
}

}  // namespace

std::vector<ScoredLabel> TopK(std::span<const float> scores, int k) {
  const std::size_t places = std::min(static_cast<std::size_t>(std::max(k, 0)), scores.size());
  const float threshold = places == 0 ? 0 : ThresholdFor(scores, places);
  if (!std::isfinite(threshold) || places == 0) RefuseFirstNan(scores);
  if (places == 0) return {};
  constexpr std::size_t kSpare = 16;
  const auto labels = std::make_unique_for_overwrite<std::int32_t[]>(scores.size() + kSpare);
  const std::size_t count = HWY_DYNAMIC_DISPATCH(LabelsReaching)(scores.data(), scores.size(),
                                                                 threshold, places, labels.get());
  std::vector<std::uint64_t> ranks(count);
  for (std::size_t i = 0; i < count; ++i) {
    ranks[i] = RankOf(labels[i], scores[static_cast<std::size_t>(labels[i])]);
  }
  const auto end = ranks.begin() + static_cast<std::ptrdiff_t>(places);
  if (count > 4 * places) std::ranges::nth_element(ranks, end - 1);
  const std::size_t sorted = count > 4 * places ? places : count;
  boost::sort::pdqsort_branchless(ranks.begin(),
                                  ranks.begin() + static_cast<std::ptrdiff_t>(sorted));
  std::vector<ScoredLabel> best(places);
  for (std::size_t i = 0; i < places; ++i) {
    const auto label = static_cast<std::int32_t>(ranks[i] & 0xffffffff);
    best[i] = {label, scores[static_cast<std::size_t>(label)]};
  }
  return best;
}

}  // namespace beamgrid
#endif  // HWY_ONCE
