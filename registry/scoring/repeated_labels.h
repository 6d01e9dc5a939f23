#pragma once
// Whether a list of labels names one twice.

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <span>
#include <vector>

namespace beamgrid {

/// Returns whether a label is there twice. Most lists are of 20 labels of some thousand, which all
/// have a bit of their own; only where two share one the list is sorted.
[[nodiscard]] inline bool HasRepeated(std::span<const std::int32_t> labels) {
  std::bitset<4096> seen;
  bool shared = false;
  for (const std::int32_t label : labels) {
    auto bit = seen[static_cast<std::uint32_t>(label) % seen.size()];
    shared |= bit;
    bit = true;
  }
  if (!shared) return false;
  std::vector<std::int32_t> sorted(labels.begin(), labels.end());
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

}  // namespace beamgrid
