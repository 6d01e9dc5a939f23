#pragma once
// Whether a list of labels names one twice.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace beamgrid {

/// Returns whether a label is there twice. Most lists are of 20 labels: each is compared with each,
/// without a copy.
[[nodiscard]] inline bool HasRepeated(std::span<const std::int32_t> labels) {
  constexpr std::size_t kShort = 32;
  if (labels.size() > kShort) {
    std::vector<std::int32_t> sorted(labels.begin(), labels.end());
    std::ranges::sort(sorted);
    return std::ranges::adjacent_find(sorted) != sorted.end();
  }
  bool repeated = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) repeated |= labels[j] == labels[i];
  }
  return repeated;
}

}  // namespace beamgrid
