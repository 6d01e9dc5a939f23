// Compiled once for each instruction set, of which the best one is chosen when the program runs.
// Also for AVX-512 with VBMI2, which compresses 16-bit lanes.
#define HWY_WANT_AVX3_DL 1
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/ensemble/top_columns.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "search/ensemble/top_columns.h"

HWY_BEFORE_NAMESPACE();
namespace beamgrid {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::CappedTag<std::int16_t, kRowStep>;

/// A threshold that no score reaches.
constexpr int kAboveAll = 32768;

/// Returns how many of `scores` are at least `threshold`, which is above -32,768.
HWY_INLINE int CountReach(const std::int16_t* scores, std::size_t width, int threshold) {
  const Lanes d;
  const auto below = hn::Set(d, static_cast<std::int16_t>(threshold - 1));
  std::size_t count = 0;
  for (std::size_t i = 0; i < width; i += hn::Lanes(d)) {
    count += hn::CountTrue(d, hn::Gt(hn::LoadU(d, scores + i), below));
  }
  return static_cast<int>(count);
}

/// Returns the least of those of `scores` that reach the threshold; there are some.
HWY_INLINE int LeastReaching(const std::int16_t* scores, std::size_t width, int threshold) {
  const Lanes d;
  const auto below = hn::Set(d, static_cast<std::int16_t>(threshold - 1));
  const auto none = hn::Set(d, std::int16_t{32767});
  auto least = none;
  for (std::size_t i = 0; i < width; i += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, scores + i);
    least = hn::Min(least, hn::IfThenElse(hn::Gt(row, below), row, none));
  }
  return hn::GetLane(hn::MinOfLanes(d, least));
}

/// Returns the greatest of those of `scores` that do not reach the threshold, or -32,768.
HWY_INLINE int GreatestBelow(const std::int16_t* scores, std::size_t width, int threshold) {
  const Lanes d;
  const auto below = hn::Set(d, static_cast<std::int16_t>(threshold - 1));
  const auto none = hn::Set(d, std::int16_t{-32768});
  auto greatest = none;
  for (std::size_t i = 0; i < width; i += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, scores + i);
    greatest = hn::Max(greatest, hn::IfThenElse(hn::Gt(row, below), none, row));
  }
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

/// Returns a threshold that exactly 20 of `scores` reach, or kAboveAll where there is none from
/// `least` on.
HWY_INLINE int Separate(const std::int16_t* scores, std::size_t width, int least, int& rise,
                        TopGuess& guess) {
  // By the distance of places first, then by halves; the last places one by one, which cannot miss
  // but where scores are equal.
  constexpr int kGuesses = 5, kPlaces = 2;
  int low = least, high = kAboveAll;
  int at = std::clamp(least + rise + guess.change, low, high - 1);
  const int first = at;
  int first_excess = 0;
  for (int tries = 0; low < high; ++tries) {
    const int excess = CountReach(scores, width, at) - kGapTop;
    if (tries == 0) first_excess = excess;
    if (excess == 0) {
      guess.change = at - least - rise;
      rise = at - least;
      if (first_excess != 0) {
        guess.step = std::max(1, (3 * guess.step + (at - first) / first_excess) / 4);
      }
      return at;
    }
    (excess > 0 ? low : high) = excess > 0 ? at + 1 : at;
    if (excess > 0 && excess <= kPlaces) {
      for (int left = excess; left > 0; --left) at = LeastReaching(scores, width, at) + 1;
    } else if (excess < 0 && -excess <= kPlaces) {
      for (int left = excess; left < 0; ++left) at = GreatestBelow(scores, width, at);
    } else {
      at = tries < kGuesses ? at + excess * guess.step : low + (high - low) / 2;
    }
    at = std::clamp(at, low, std::max(low, high - 1));
  }
  return kAboveAll;
}

/// True if those that reach the threshold, 20, are kLeastApart or more above the others.
HWY_INLINE bool Apart(const std::int16_t* scores, std::size_t width, int threshold) {
  const auto twenty = [&](int at) HWY_ATTR {
    return at < kAboveAll && CountReach(scores, width, at) == kGapTop;
  };
  static_assert(kLeastApart == 3);
  // Both, as each fails often and both hardly ever.
  const bool above = twenty(threshold + 2), under = twenty(threshold - 2);
  if (above || under) return true;
  return twenty(threshold - 1) && twenty(threshold + 1);
}

/// Calls put(first column, which lanes, where) for the columns of each top.
template <typename Put>
HWY_INLINE void FindTops(const RowSums& sums, TopGuess& guess, std::uint8_t* sure, const Put& put) {
  const Lanes d;
  const std::size_t step = hn::Lanes(d);
  std::int16_t* const scores = sums.scratch;
  for (std::size_t g = 0; g < sums.count; ++g) {
    const std::int16_t* const added =
        sums.added + static_cast<std::size_t>(sums.models[g]) * sums.width;
    for (std::size_t i = 0; i < sums.width; i += step) {
      hn::StoreU(hn::Add(hn::LoadU(d, sums.set + i), hn::LoadU(d, added + i)), d, scores + i);
    }
    const int threshold = Separate(scores, sums.width, sums.least,
                                   guess.rises[static_cast<std::size_t>(sums.models[g])], guess);
    sure[g] = threshold != kAboveAll && Apart(scores, sums.width, threshold) ? 1 : 0;
    if (sure[g] == 0) continue;
    const auto below = hn::Set(d, static_cast<std::int16_t>(threshold - 1));
    std::size_t at = g * kGapTop;
    for (std::size_t i = 0; i < sums.width; i += step) {
      const auto row = hn::LoadU(d, scores + i);
      const auto in_top = hn::Gt(row, below);
      put(g, i, row, in_top, at);
      at += hn::CountTrue(d, in_top);
    }
  }
}

void FindTopColumns(const RowSums& sums, TopGuess& guess, std::uint16_t* columns,
                    std::uint8_t* sure) {
  const Lanes d;
  const hn::RebindToUnsigned<Lanes> du;
  FindTops(sums, guess, sure,
           [&](std::size_t, std::size_t i, auto, auto in_top, std::size_t at) HWY_ATTR {
             const auto here = hn::Iota(d, static_cast<std::int16_t>(i));
             hn::StoreU(hn::BitCast(du, hn::Compress(here, in_top)), du, columns + at);
           });
}

void FindTopBins(const RowSums& sums, const std::uint16_t* floors, const std::uint16_t* hits,
                 TopGuess& guess, std::uint16_t* bins, std::uint8_t* sure) {
  const Lanes d;
  const hn::RebindToUnsigned<Lanes> du;
  const auto even = hn::Set(du, std::uint16_t{0xfffe});
  FindTops(sums, guess, sure,
           [&](std::size_t g, std::size_t i, auto row, auto in_top, std::size_t at) HWY_ATTR {
             const int floor = floors[sums.models[g]];
             const auto whole = hn::Set(du, static_cast<std::uint16_t>(floor + 32768));
             const auto bin = hn::And(hn::Add(hn::BitCast(du, row), whole), even);
             const auto marked = hn::BitCast(d, hn::Or(bin, hn::LoadU(du, hits + i)));
             hn::StoreU(hn::BitCast(du, hn::Compress(marked, in_top)), du, bins + at);
           });
}

int TwentiethOf(const std::int16_t* scores, std::size_t width, int least) {
  int low = least, high = kAboveAll;
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (CountReach(scores, width, middle) >= kGapTop ? low : high) = middle;
  }
  return low;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace beamgrid
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beamgrid {
namespace {

HWY_EXPORT(FindTopColumns);
HWY_EXPORT(FindTopBins);
HWY_EXPORT(TwentiethOf);

}  // namespace

void FindTopColumns(const RowSums& sums, TopGuess& guess, std::uint16_t* columns,
                    std::uint8_t* sure) {
  HWY_DYNAMIC_DISPATCH(FindTopColumns)(sums, guess, columns, sure);
}

void FindTopBins(const RowSums& sums, const std::uint16_t* floors, const std::uint16_t* hits,
                 TopGuess& guess, std::uint16_t* bins, std::uint8_t* sure) {
  HWY_DYNAMIC_DISPATCH(FindTopBins)(sums, floors, hits, guess, bins, sure);
}

int TwentiethOf(const std::int16_t* scores, std::size_t width, int least) {
  return HWY_DYNAMIC_DISPATCH(TwentiethOf)(scores, width, least);
}

}  // namespace beamgrid
#endif  // HWY_ONCE
