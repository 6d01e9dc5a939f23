// The numbers of frames: halves, floats and codes.

#include "trainer/data/frame_values.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "registry/util/half.h"
#include "trainer/data/quantise.h"

namespace beamgrid {
namespace frame_values_test {

using testing::ElementsAre;

/// IEEE 754 binary16 from its definition.
double HalfByDefinition(std::uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent == 31) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(HalfTest, EveryHalfIsItsFloatAndBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double expected = HalfByDefinition(half);
    const float value = FloatOfHalf(half);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(FloatOfHalf(HalfOfFloat(value)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(value), expected) << bits;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
    ASSERT_EQ(HalfOfFloat(value), half) << bits;
  }
}

TEST(HalfTest, WhatIsBetweenGoesToTheNearestAndTiesToEven) {
  for (std::uint32_t bits = 0; bits + 1 < 0x7c00; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    // Halves have so few bits that the middle of two is a float.
    const float middle = (FloatOfHalf(low) + FloatOfHalf(high)) / 2;
    ASSERT_EQ(HalfOfFloat(middle), bits % 2 == 0 ? low : high) << bits;
    ASSERT_EQ(HalfOfFloat(std::nextafter(middle, 0.0F)), low) << bits;
    ASSERT_EQ(HalfOfFloat(std::nextafter(middle, 1e9F)), high) << bits;
  }
  EXPECT_EQ(HalfOfFloat(65519.9F), 0x7bff);
  EXPECT_EQ(HalfOfFloat(65520), 0x7c00);
  EXPECT_EQ(HalfOfFloat(-1e30F), 0xfc00);
}

TEST(FrameValues, CodesAreDequantisedInTwoRoundings) {
  std::string all;
  for (int code = 0; code < 256; ++code) all.push_back(static_cast<char>(code));
  std::vector<float> values(256);
  ReadFrame(FrameType::kUint8, all.data(), values);
  for (std::size_t code = 0; code < 256; ++code) {
    EXPECT_NEAR(values[code], Dequantise(static_cast<std::uint8_t>(code)), 3e-7) << code;
  }
  EXPECT_EQ(values[0], -1.9921875F);
}

TEST(FrameValues, WhatIsWrittenIsRead) {
  const std::vector<float> values = {0.5F, -1.25F, 3, 1.0F / 3};
  for (const FrameType type : {FrameType::kUint8, FrameType::kFloat16, FrameType::kFloat32}) {
    // One byte in front: nothing in a record is aligned.
    const std::string bytes = "x" + FrameOf(type, values);
    ASSERT_EQ(bytes.size(), 1 + FrameBytes(type, 4));
    std::vector<float> read(4);
    ReadFrame(type, bytes.data() + 1, read);
    for (std::size_t i = 0; i < 4; ++i) {
      const float clipped = type == FrameType::kUint8 ? std::min(values[i], 2.0F) : values[i];
      const float step = type == FrameType::kUint8 ? 0.008F : 0.0003F;
      EXPECT_NEAR(read[i], clipped, type == FrameType::kFloat32 ? 0 : step) << i;
    }
  }
  EXPECT_EQ(FrameOf(FrameType::kFloat16, std::vector<float>{1, -2}), std::string("\0\x3c\0\xc0", 4))
      << "little-endian";
}

TEST(FrameValues, FindsTheFirstNumberThatNoNetworkCanTake) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto found = [](FrameType type, const std::vector<float>& values) {
    return FindUnusableValue(type, FrameOf(type, values).data(), values.size());
  };
  EXPECT_FALSE(found(FrameType::kFloat32, {1, -9.9e15F, 0}));
  EXPECT_EQ(found(FrameType::kFloat32, {1, 2, 1e16F, NAN})->index, 2U);
  EXPECT_TRUE(std::isnan(found(FrameType::kFloat32, {1, NAN})->value));
  EXPECT_FALSE(found(FrameType::kFloat16, {65504, -65504, 0}));
  EXPECT_EQ(found(FrameType::kFloat16, {1, 2, 3, -infinity})->value, -infinity);
  EXPECT_EQ(found(FrameType::kFloat16, {NAN, infinity})->index, 0U);
  EXPECT_FALSE(found(FrameType::kUint8, {1, 2}));
}

}  // namespace frame_values_test
}  // namespace beamgrid
