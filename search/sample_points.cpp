#include "search/sample_points.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace beamgrid {
namespace {

/// Spaces up to this size are listed; from larger ones points are drawn until enough are allowed.
constexpr std::int64_t kListed = 1'000'000;
/// Draws for each point that is wanted, after which a large space counts as empty.
constexpr std::int64_t kMostDraws = 10'000;

/// Returns a number from 0 to `bound` - 1, each as likely. The distributions of the standard
/// library draw differently from one library to the next.
std::int64_t Below(std::int64_t bound, std::mt19937_64& random) {
  const auto size = static_cast<std::uint64_t>(bound);
  // What is beyond the last multiple of `size` would make the first numbers more likely.
  const std::uint64_t beyond = std::mt19937_64::max() - std::mt19937_64::max() % size;
  while (true) {
    const std::uint64_t drawn = random();
    if (drawn < beyond) return static_cast<std::int64_t>(drawn % size);
  }
}

std::vector<std::int64_t> FromList(const SearchSpace& space, std::int64_t count,
                                   std::mt19937_64& random) {
  std::vector<std::int64_t> points;
  for (auto index = space.NextAllowed(0); index; index = space.NextAllowed(*index + 1)) {
    points.push_back(*index);
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(count, std::ssize(points)));
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::int64_t rest = std::ssize(points) - static_cast<std::int64_t>(i);
    std::swap(points[i], points[i + static_cast<std::size_t>(Below(rest, random))]);
  }
  points.resize(wanted);
  return points;
}

}  // namespace

std::vector<std::int64_t> SamplePoints(const SearchSpace& space, std::int64_t count,
                                       std::uint64_t seed) {
  std::mt19937_64 random(seed);
  if (space.size() <= kListed) return FromList(space, count, random);
  std::vector<std::int64_t> points;
  std::set<std::int64_t> drawn;
  for (std::int64_t draws = 0; std::ssize(points) < count && draws < count * kMostDraws; ++draws) {
    const std::int64_t index = Below(space.size(), random);
    if (drawn.contains(index) || !space.At(index)) continue;
    drawn.insert(index);
    points.push_back(index);
  }
  return points;
}

}  // namespace beamgrid
