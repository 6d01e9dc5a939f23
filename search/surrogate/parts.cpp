#include "search/surrogate/parts.h"

#include <algorithm>
#include <cmath>

namespace beamgrid {

Part PlainPart(std::string name, std::int64_t levels) {
  return {std::move(name), levels, [](std::int64_t left, std::int64_t right) {
            const double same = left == right ? 1 : 0;
            return Likeness{same, same};
          }};
}

double RankScale::Nearness(std::size_t left, std::size_t right) const {
  const double distance = std::sqrt(5.0) * std::abs(ranks[left] - ranks[right]) / reach;
  return (1 + distance + distance * distance / 3) * std::exp(-distance);
}

RankScale RanksOf(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const auto repeated = std::ranges::unique(sorted);
  sorted.erase(repeated.begin(), repeated.end());
  RankScale scale;
  for (const double value : values) {
    const auto rank = std::ranges::lower_bound(sorted, value) - sorted.begin();
    scale.ranks.push_back(static_cast<double>(rank));
  }
  // Neighbours are three quarters alike where there are few, more where there are many.
  scale.reach = std::max(1.5, 0.4 * static_cast<double>(sorted.size() - 1));
  return scale;
}

Part NumericPart(std::string name, const std::vector<double>& values) {
  RankScale scale = RanksOf(values);
  return {std::move(name), static_cast<std::int64_t>(values.size()),
          [scale = std::move(scale)](std::int64_t left, std::int64_t right) {
            return Likeness{
                left == right ? 1.0 : 0.0,
                scale.Nearness(static_cast<std::size_t>(left), static_cast<std::size_t>(right))};
          }};
}

}  // namespace beamgrid
