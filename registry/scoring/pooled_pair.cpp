#include "registry/scoring/pooled_pair.h"

#include <bit>
#include <cmath>
#include <limits>

namespace beamgrid {
namespace {

bool IsFloat(double score) {
  constexpr double kMost = std::numeric_limits<float>::max();
  if (std::abs(score) > kMost) return std::isinf(score);
  return static_cast<double>(static_cast<float>(score)) == score;
}

/// Returns a number that is greater for a greater score.
std::uint32_t Ascending(float score) {
  constexpr std::uint32_t kSign = 0x80000000;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 is 0
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

}  // namespace

std::optional<std::vector<std::uint64_t>> PackFloats(std::span<const PooledPair> pairs) {
  std::vector<std::uint64_t> packed;
  packed.reserve(pairs.size());
  for (const PooledPair& pair : pairs) {
    if (!IsFloat(pair.score)) return std::nullopt;
    const std::uint64_t high = Ascending(static_cast<float>(pair.score));
    packed.push_back((high << 32) | (static_cast<std::uint32_t>(pair.label) << 1) |
                     (pair.positive ? 1 : 0));
  }
  return packed;
}

}  // namespace beamgrid
