#pragma once
// The 20 largest of the sums of two rows of numbers, in the widest vector instructions that the
// processor has: the inner loop of a pass over the videos (dense_video.h).

#include <cstddef>
#include <cstdint>
#include <vector>

#include "registry/scoring/metrics.h"

namespace beamgrid {

/// The columns of a row are padded to a multiple of this.
inline constexpr std::size_t kRowStep = 32;

/// Sums of which the one is in the top 20 and the other is not are so far apart, or it is not
/// certain which labels are there.
inline constexpr int kLeastApart = 3;

/// RowSums is a row of scores of a set of models and rows that are to be added to it, one at a
/// time. A score is a number below 65,536, and kept as the number less 32,768.
struct RowSums {
  std::size_t width = 0;                 ///< columns of each row, a multiple of kRowStep
  const std::int16_t* set = nullptr;     ///< [width]
  const std::int16_t* added = nullptr;   ///< [models, width] not negative
  std::size_t count = 0;                 ///< how many models are added
  const std::int32_t* models = nullptr;  ///< [count] which row of `added`
  /// No column below this is in the top 20 of a sum; at least -32,768 + kLeastApart.
  int least = 0;
  std::int16_t* scratch = nullptr;  ///< [width] room for a sum
};

/// Returns the room for the top 20 of so many sums, and for what is written behind the last.
[[nodiscard]] constexpr std::size_t TopsRoom(std::size_t count) {
  return count * kGapTop + 2 * kRowStep;
}

/// TopGuess is where the search for the 20th place of a sum begins. Any value will do, but good
/// ones save time: what a model adds to one set it adds to others, and to the next video's sets.
struct TopGuess {
  explicit TopGuess(std::size_t models) : rises(models) {}
  std::vector<int> rises;  ///< [models] above `least`, at last
  int change = 0;          ///< of the last model's, from its last to this
  int step = 128;          ///< from one place to the next
};

/// Finds the columns of the 20 largest sums of each set + added row, in ascending order, where it
/// is certain which these are: each at least kLeastApart above all others. `columns`:
/// [TopsRoom(count)] 20 a sum. `sure`: [count] 1 if it is certain, else 0 and the columns mean
/// nothing.
void FindTopColumns(const RowSums& sums, TopGuess& guess, std::uint16_t* columns,
                    std::uint8_t* sure);

/// The same, but puts what a histogram counts of each column into `bins`: (sum + floor) with its
/// lowest bit replaced by the column's `hits`. `floors`: [models] `hits`: [width] 0 or 1.
void FindTopBins(const RowSums& sums, const std::uint16_t* floors, const std::uint16_t* hits,
                 TopGuess& guess, std::uint16_t* bins, std::uint8_t* sure);

/// Returns the greatest number that at least 20 of `scores` reach, `least` if fewer reach more.
[[nodiscard]] int TwentiethOf(const std::int16_t* scores, std::size_t width, int least);

}  // namespace beamgrid
