#include "trainer/data/quantise.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

TEST(Quantise, DequantisesTheKnownCodes) {
  EXPECT_DOUBLE_EQ(Dequantise(0), -1.9921875);
  EXPECT_NEAR(Dequantise(127), -3.0637e-05, 1e-9);
  EXPECT_NEAR(Dequantise(128), 0.0156556373, 1e-9);
  EXPECT_DOUBLE_EQ(Dequantise(255), 2.0078125);
}

TEST(Quantise, EveryCodeComesBack) {
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(Quantise(Dequantise(static_cast<std::uint8_t>(code))), code);
  }
}

TEST(Quantise, StaysWithinHalfABinAndClips) {
  constexpr double kBin = 4.0 / 255.0;
  for (double value = -2; value < 2; value += 0.001) {
    EXPECT_NEAR(Dequantise(Quantise(value)), value, 0.51 * kBin) << value;
  }
  EXPECT_EQ(Quantise(-7), 0);
  EXPECT_EQ(Quantise(7), 255);
}

}  // namespace
}  // namespace beamgrid
