#pragma once
// What models differ in, as the surrogate sees it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace beamgrid {

/// Likeness of two levels of a part, each from 0 to 1: as names (1 if the same, and between for two
/// variants of one component), and as places on a scale, where they are numbers. The surrogate
/// learns which of the two counts.
struct Likeness {
  double by_name = 0;
  double by_place = 0;
};

/// Part is one thing that models differ in. `likeness` must be a positive semidefinite function of
/// two levels, with {1, 1} for a level and itself.
struct Part {
  std::string name;
  std::int64_t levels = 0;
  std::function<Likeness(std::int64_t, std::int64_t)> likeness;
};

/// A model as the surrogate sees it: the level of each part, in the order of the parts.
using Levels = std::vector<std::int64_t>;

/// RankScale is the places of numbers among the distinct ones. How alike two places are falls with
/// their distance d in units of `reach`, smoothly, so that a trend goes on beyond what was
/// measured: (1 + sqrt(5) d + 5/3 d^2) exp(-sqrt(5) d), the covariance of Matern with smoothness
/// 5/2.
struct RankScale {
  std::vector<double> ranks;
  double reach = 1;  ///< in ranks

  /// Returns how alike the numbers at two positions of the list are.
  [[nodiscard]] double Nearness(std::size_t left, std::size_t right) const;
};
[[nodiscard]] RankScale RanksOf(const std::vector<double>& values);

/// Returns a part whose levels have nothing in common.
[[nodiscard]] Part PlainPart(std::string name, std::int64_t levels);
/// Returns a part whose levels are numbers: how alike two are falls with the distance between them,
/// measured in ranks.
[[nodiscard]] Part NumericPart(std::string name, const std::vector<double>& values);

}  // namespace beamgrid
