#pragma once
// IEEE 754 half precision (binary16) as bits, for processors and compilers that do not have it.

#include <bit>
#include <cstdint>

namespace beamgrid {

/// Returns the number that the bits of a half stand for; every half is a float.
[[nodiscard]] constexpr float FloatOfHalf(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // 0 and what is below 2^-14: mantissa * 2^-24
    const float value = static_cast<float>(mantissa) * 0x1.0p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

/// Returns the nearest half, of two equally near ones the even one (as NumPy's astype does);
/// infinite from 65520 on.
[[nodiscard]] constexpr std::uint16_t HalfOfFloat(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const auto with_sign = [sign](std::uint32_t half) {
    return static_cast<std::uint16_t>(sign | half);
  };
  if (magnitude > 0x7F800000U) return with_sign(0x7E00);  // no number
  if (magnitude >= 0x477FF000U) return with_sign(0x7C00);
  // The sum with this much has the half's last bit as its own last bit, and rounds there.
  if (magnitude < 0x38800000U) {
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return with_sign(std::bit_cast<std::uint32_t>(sum) - std::bit_cast<std::uint32_t>(0.5F));
  }
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  return with_sign((magnitude - ((127U - 15U) << 23) + 0xFFFU + odd) >> 13);
}

}  // namespace beamgrid
