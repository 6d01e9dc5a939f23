#include "orchestrator/importing/values.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "registry/util/half.h"
#include "registry/util/input_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"
#include "trainer/data/quantise.h"

namespace beamgrid::importing_test {
namespace {

using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

ArrayForm Form(Element element, std::uint64_t frames, std::uint64_t width) {
  return {.element = element, .level = ArrayLevel::kFrame, .frames = frames, .width = width};
}

CodedValues CodeFloats(const std::vector<float>& values, Element to) {
  return Code("a", Form(Element::kFloat32, values.size() / 2, 2), BytesOf(values), to);
}

TEST(Half, EveryHalfComesBack) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const float value = FloatOfHalf(static_cast<std::uint16_t>(half));
    if (std::isnan(value)) continue;
    EXPECT_EQ(HalfOfFloat(value), half) << value;
  }
}

TEST(Half, HasTheValuesOfTheStandard) {
  EXPECT_EQ(FloatOfHalf(0x3C00), 1.0F);
  EXPECT_EQ(FloatOfHalf(0xC000), -2.0F);
  EXPECT_EQ(FloatOfHalf(0x7BFF), 65504.0F);
  EXPECT_EQ(FloatOfHalf(0x0001), 0x1.0p-24F);
  EXPECT_EQ(FloatOfHalf(0x0400), 0x1.0p-14F);
  EXPECT_EQ(FloatOfHalf(0x3555), 0.333251953125F);
  EXPECT_EQ(FloatOfHalf(0x7C00), kInfinity);
  EXPECT_TRUE(std::signbit(FloatOfHalf(0x8000)));
}

TEST(Half, RoundsToTheNearestAndThenToTheEvenOne) {
  EXPECT_EQ(HalfOfFloat(1.0F + 0x1.0p-11F), 0x3C00) << "half way down to even";
  EXPECT_EQ(HalfOfFloat(1.0F + 0x1.8p-10F), 0x3C02) << "half way up to even";
  EXPECT_EQ(HalfOfFloat(1.0F + 0x1.1p-11F), 0x3C01);
  EXPECT_EQ(HalfOfFloat(0x1.0p-25F), 0x0000);
  EXPECT_EQ(HalfOfFloat(0x1.8p-24F), 0x0002);
  EXPECT_EQ(HalfOfFloat(-0x1.1p-25F), 0x8001);
  EXPECT_EQ(HalfOfFloat(0x1.FFFp-15F), 0x0400) << "up into the normal ones";
  EXPECT_EQ(HalfOfFloat(65519.0F), 0x7BFF);
  EXPECT_EQ(HalfOfFloat(65520.0F), 0x7C00);
  EXPECT_TRUE(std::isnan(FloatOfHalf(HalfOfFloat(kNan))));
}

TEST(Values, FloatsStayWhatTheyAre) {
  const std::vector<float> values = {0.1F, -3e4F, 1e-40F, 9e15F};
  EXPECT_EQ(CodeFloats(values, Element::kFloat32).bytes, BytesOf(values));
  const std::vector<double> doubles = {0.1, -3e4, 1e-60, 9e15};
  EXPECT_EQ(Code("a", Form(Element::kFloat64, 2, 2), BytesOf(doubles), Element::kFloat32).bytes,
            BytesOf<float>({0.1F, -3e4F, 0, 9e15F}));
  const std::vector<std::uint16_t> halves = {0x3C00, 0x0001};
  EXPECT_EQ(Code("a", Form(Element::kFloat16, 1, 2), BytesOf(halves), Element::kFloat16).bytes,
            BytesOf(halves));
  EXPECT_EQ(Code("a", Form(Element::kFloat16, 1, 2), BytesOf(halves), Element::kFloat32).bytes,
            BytesOf<float>({1.0F, 0x1.0p-24F}));
}

TEST(Values, BytesStayBytes) {
  EXPECT_EQ(Code("a", Form(Element::kUint8, 1, 2), "\xFF\x01", Element::kUint8).bytes, "\xFF\x01");
  EXPECT_NE(ProblemOfCoding(Element::kUint8, Element::kFloat32), "");
  EXPECT_EQ(ProblemOfCoding(Element::kUint8, Element::kUint8), "");
  EXPECT_EQ(ProblemOfCoding(Element::kFloat64, Element::kUint8), "");
}

TEST(Values, QuantisesAsTheDatasetDoesAndCountsWhatIsClipped) {
  const std::vector<float> values = {0.5F, -2, 2, 2.5F, -7, 1.99F};
  const CodedValues coded = CodeFloats(values, Element::kUint8);
  EXPECT_EQ(coded.clipped, 2U);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(static_cast<std::uint8_t>(coded.bytes[i]), Quantise(values[i]));
  }
}

TEST(Values, CountsWhatIsNotZeroAndBecomesIt) {
  EXPECT_EQ(CodeFloats({0, 0.007F, -0.007F, 0.009F}, Element::kUint8).vanished, 2U);
  EXPECT_EQ(CodeFloats({0, 0x1.0p-25F, -0x1.1p-25F, 1}, Element::kFloat16).vanished, 1U)
      << "half of the least half is rounded to the even 0";
  EXPECT_EQ(CodeFloats({0, -0.0F, 1e-40F, 1}, Element::kFloat32).vanished, 0U);
  const std::vector<double> doubles = {0, 1e-60, 1e-30, 1};
  const ArrayForm form = Form(Element::kFloat64, 2, 2);
  EXPECT_EQ(Code("a", form, BytesOf(doubles), Element::kFloat32).vanished, 1U);
}

TEST(Values, DoublesAreRoundedToHalvesOnce) {
  // By way of float the first would lie in the middle of two halves, and become the even one, 1.
  const std::vector<double> values = {1 + 0x1.0p-11 + 0x1.0p-40, 1 + 0x1.0p-11,
                                      1 + 0x1.0p-11 - 0x1.0p-40, -(1 + 0x1.0p-11 + 0x1.0p-40)};
  const std::vector<std::uint16_t> halves = {0x3C01, 0x3C00, 0x3C00, 0xBC01};
  EXPECT_EQ(Code("a", Form(Element::kFloat64, 2, 2), BytesOf(values), Element::kFloat16).bytes,
            BytesOf(halves));
}

TEST(Values, NamesFrameAndColumnOfWhatIsNoNumber) {
  const auto refusal = [](const std::vector<float>& values, Element to) {
    return ErrorText<InputError>([&] { (void)CodeFloats(values, to); });
  };
  for (const Element to : {Element::kUint8, Element::kFloat16, Element::kFloat32}) {
    EXPECT_THAT(refusal({0, 0, 0, kNan}, to),
                HasSubstr("a: frame 1, column 1: is no number (NaN)"));
    EXPECT_THAT(refusal({0, 0, -kInfinity, 0}, to), HasSubstr("a: frame 1, column 0: is infinite"));
  }
  EXPECT_THAT(refusal({0, 65520}, Element::kFloat16),
              HasSubstr("65520 is too large, must be at most 65520 in size; scale the features, or "
                        "write them with --as float32"));
  EXPECT_EQ(CodeFloats({0, 65519}, Element::kFloat16).bytes.size(), 4U);
  EXPECT_THAT(refusal({0, 1e16F}, Element::kFloat32), HasSubstr("column 1: 1e+16 is too large"));
  ArrayForm vector = Form(Element::kFloat32, 1, 2);
  vector.level = ArrayLevel::kVideo;
  EXPECT_THAT(ErrorText<InputError>(
                  [&] { (void)Code("a", vector, BytesOf<float>({0, kNan}), Element::kFloat32); }),
              HasSubstr("a: column 1: is no number"));
}

}  // namespace
}  // namespace beamgrid::importing_test
