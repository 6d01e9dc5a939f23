#include "search/ensemble/contest.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace beamgrid {

Contest::Contest(std::span<const GapBounds> bounds, std::size_t keep, double at_least)
    : bounds_(bounds.begin(), bounds.end()),
      keep_(keep),
      at_least_(at_least),
      order_(bounds.size()) {
  std::iota(order_.begin(), order_.end(), 0U);
  std::ranges::stable_sort(order_, std::greater<>(),
                           [this](std::size_t set) { return bounds_[set].high; });
  for (const GapBounds& of_set : bounds_) known_.push_back(of_set.low);
  // Twice as many as are wanted, because a pass decodes most models however few sets it serves.
  const bool unknown = bounds_.empty() || bounds_[order_[0]].high == 1;
  at_once_ = unknown ? bounds_.size() : std::max<std::size_t>(2 * keep, 8);
}

double Contest::Enough() const {
  // The keep-th greatest of what is known from below is what a set must reach.
  if (known_.size() < keep_) return at_least_;
  std::vector<double> sorted = known_;
  const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(keep_ - 1);
  std::nth_element(sorted.begin(), place, sorted.end(), std::greater<>());
  return std::max(at_least_, *place);
}

std::vector<std::size_t> Contest::Next() {
  std::vector<std::size_t> chosen;
  const double least = Enough();
  const std::size_t end = std::min(begin_ + at_once_, order_.size());
  for (; begin_ < end; ++begin_) {
    if (bounds_[order_[begin_]].high >= least) chosen.push_back(order_[begin_]);
  }
  // Those behind are no better.
  if (chosen.empty()) begin_ = order_.size();
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace beamgrid
