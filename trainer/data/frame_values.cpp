#include "trainer/data/frame_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "registry/util/half.h"
#include "trainer/data/quantise.h"

namespace beamgrid {
namespace {

// Numbers are copied as they lie in the records, which are little-endian.
static_assert(std::endian::native == std::endian::little);

/// The floats of all codes.
std::array<float, 256> CodeValues() {
  std::array<float, 256> values{};
  for (std::size_t code = 0; code < values.size(); ++code) {
    // Two roundings, as on a device, where they are two kernels: never one fused operation.
    const volatile float product = static_cast<float>(code) * static_cast<float>(kDequantiseScale);
    values[code] = product + static_cast<float>(kDequantiseOffset);
  }
  return values;
}

template <typename Bits>
Bits BitsAt(const char* frame, std::size_t index) {
  Bits bits = 0;
  std::memcpy(&bits, frame + index * sizeof(Bits), sizeof(Bits));
  return bits;
}

}  // namespace

std::size_t FrameBytes(FrameType type, std::size_t width) {
  switch (type) {
    case FrameType::kUint8:
      return width;
    case FrameType::kFloat16:
      return 2 * width;
    case FrameType::kFloat32:
      return 4 * width;
  }
  return 0;
}

void ReadFrame(FrameType type, const char* frame, std::span<float> values) {
  static const std::array<float, 256> codes = CodeValues();
  switch (type) {
    case FrameType::kUint8:
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = codes[static_cast<std::uint8_t>(frame[i])];
      }
      return;
    case FrameType::kFloat16:
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = FloatOfHalf(BitsAt<std::uint16_t>(frame, i));
      }
      return;
    case FrameType::kFloat32:
      std::memcpy(values.data(), frame, values.size_bytes());
  }
}

std::optional<UnusableFloat> FindUnusableValue(FrameType type, const char* frame,
                                               std::size_t width) {
  if (type == FrameType::kUint8) return std::nullopt;
  // Nearly always all are sound: by their bits, without a branch, which the compiler makes wide.
  std::size_t unusable = 0;
  if (type == FrameType::kFloat16) {
    for (std::size_t i = 0; i < width; ++i) {
      unusable += (BitsAt<std::uint16_t>(frame, i) & 0x7c00U) == 0x7c00U ? 1U : 0U;
    }
  } else {
    for (std::size_t i = 0; i < width; ++i) {
      const auto value = std::bit_cast<float>(BitsAt<std::uint32_t>(frame, i));
      unusable += std::fabs(value) < kTooLargeFloat ? 0U : 1U;
    }
  }
  for (std::size_t i = 0; unusable > 0 && i < width; ++i) {
    const float value = type == FrameType::kFloat16
                            ? FloatOfHalf(BitsAt<std::uint16_t>(frame, i))
                            : std::bit_cast<float>(BitsAt<std::uint32_t>(frame, i));
    if (!(std::fabs(value) < kTooLargeFloat)) return UnusableFloat{.index = i, .value = value};
  }
  return std::nullopt;
}

std::string FrameOf(FrameType type, std::span<const float> values) {
  std::string bytes;
  const auto append = [&bytes](const auto& number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  for (const float value : values) {
    if (type == FrameType::kUint8) append(Quantise(value));
    if (type == FrameType::kFloat16) append(HalfOfFloat(value));
    if (type == FrameType::kFloat32) append(value);
  }
  return bytes;
}

}  // namespace beamgrid
