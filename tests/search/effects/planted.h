#pragma once
// Grids with planted effects, for tests of what is found of them.

#include <functional>
#include <random>
#include <vector>

#include "search/effects/effects.h"

namespace beamgrid {

/// Returns every point of the product of the levels, the last factor fastest.
inline std::vector<GridPoint> AllPoints(const std::vector<std::int32_t>& levels) {
  std::vector<GridPoint> points = {{}};
  for (const std::int32_t count : levels) {
    std::vector<GridPoint> longer;
    for (const GridPoint& point : points) {
      for (std::int32_t level = 0; level < count; ++level) {
        longer.push_back(point);
        longer.back().push_back(level);
      }
    }
    points = std::move(longer);
  }
  return points;
}

using PlantedTruth = std::function<double(const GridPoint&)>;

/// Returns the mean of the truth over the points that `has` picks, less that over all of them.
inline double PlainEffect(const std::vector<GridPoint>& points, const PlantedTruth& truth,
                          const std::function<bool(const GridPoint&)>& has) {
  double all = 0;
  double some = 0;
  double count = 0;
  for (const GridPoint& point : points) {
    all += truth(point) / static_cast<double>(points.size());
    if (!has(point)) continue;
    some += truth(point);
    ++count;
  }
  return some / count - all;
}

/// Returns normal numbers that are the same for every standard library.
class Normals {
 public:
  explicit Normals(std::uint64_t seed) : random_(seed) {}
  double operator()() {
    // The sum of twelve uniform numbers: near enough to normal, and without tails that surprise.
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

}  // namespace beamgrid
