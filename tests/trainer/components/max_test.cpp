#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace max_test {

using reference::Arrays;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MaxRow;
using reference::RowsOf;
using reference::Videos;

TEST(MaxFrame, IsTheMaximumOfTheValidFrames) {
  const auto module = MakeTemporal("max", {}, 3);
  EXPECT_EQ(module->output_width(), 3);
  EXPECT_TRUE(module->parameters().empty());
  ExpectMatches(
      *module, RowsOf(*module),
      [](const Arrays&, const Videos& videos) {
        Matrix maxima;
        for (const Matrix& video : videos) maxima.push_back(MaxRow(video));
        return maxima;
      },
      contract::RandomSequence(kLengths, kFrames, 3));
}

// Padding is 0 and greater than any of these.
TEST(MaxFrame, OfNegativeFramesIsNegative) {
  Sequence input = contract::RandomSequence(kLengths, kFrames, 3);
  input.frames = -input.frames.abs();
  const auto module = MakeTemporal("max", {}, 3);
  EXPECT_LT(module->forward(input, {}).max().item<double>(), 0);
}

}  // namespace max_test
}  // namespace beamgrid::trainer
