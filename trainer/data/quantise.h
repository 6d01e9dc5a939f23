#pragma once
// The dataset's 8-bit code for features in [-2, 2] (YouTube-8M's own utils.Dequantize).

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace beamgrid {

/// A code q stands for x = q * scale + offset: 0 for -1.9921875, 127 for -0.00003, 255
/// for 2.0078125. A zero byte is not a zero feature.
inline constexpr double kDequantiseScale = 4.0 / 255.0;
inline constexpr double kDequantiseOffset = 4.0 / 512.0 - 2.0;

/// The value that a code stands for.
[[nodiscard]] constexpr double Dequantise(std::uint8_t code) {
  return code * kDequantiseScale + kDequantiseOffset;
}

/// The code whose bin holds `value`, clipped to [-2, 2]. Rounds down, because Dequantise adds half
/// a bin: together they are unbiased. (The public feature extractor rounds to the nearest.)
[[nodiscard]] inline std::uint8_t Quantise(double value) {
  const double clipped = std::clamp(value, -2.0, 2.0);
  return static_cast<std::uint8_t>(std::min(255.0, std::floor((clipped + 2.0) * 255.0 / 4.0)));
}

}  // namespace beamgrid
