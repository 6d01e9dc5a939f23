#pragma once
// Private to the metrics: the pairs that survive the videos' top lists.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace beamgrid {

struct PooledPair {
  double score;
  std::int32_t label;
  bool positive;
};

/// Packs pairs into numbers, which are sorted several times as fast: a higher score is a greater
/// number. Nothing where a score is no float, which those of a dense row are and most decimals are
/// not.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> PackFloats(
    std::span<const PooledPair> pairs);

/// Returns a packed pair, with a score that stands for its own: equal ones stand for equal ones.
[[nodiscard]] inline PooledPair Unpacked(std::uint64_t packed) {
  const auto low = static_cast<std::uint32_t>(packed);
  return {.score = static_cast<double>(packed >> 32),
          .label = static_cast<std::int32_t>(low >> 1),
          .positive = (low & 1) != 0};
}

}  // namespace beamgrid
