#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace position_encoding_test {

using reference::Arrays;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::MakeTemporal;
using reference::Matrix;
using reference::RowsOf;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

Vector Normalised(Vector values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  for (double& value : values) value /= std::sqrt(std::max(squares, 1e-12));
  return values;
}

/// L_ij = (1 - i/T) - (j/D) (1 - 2 i/T)
double L(double i, double j, double T, double D) { return (1 - i / T) - (j / D) * (1 - 2 * i / T); }

/// `length`: T, or 0 for the video's own, where i and j count from 1.
reference::Forward Encoding(int length, bool normalise) {
  return [=](const Arrays&, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const double T = length == 0 ? static_cast<double>(video.size()) : length;
      const double first = length == 0 ? 1 : 0;
      Vector sum(kWidth, 0.0);
      for (std::size_t i = 0; i < video.size(); ++i) {
        for (std::size_t j = 0; j < sum.size(); ++j) {
          sum[j] += video[i][j] *
                    L(static_cast<double>(i) + first, static_cast<double>(j) + first, T, kWidth);
        }
      }
      embeddings.push_back(normalise ? Normalised(sum) : sum);
    }
    return embeddings;
  };
}

TEST(PositionEncoding, HasOneLengthForAllVideosAsTheAuthorsCode) {
  const auto module = MakeTemporal("position_encoding", {}, kWidth);
  EXPECT_EQ(module->output_width(), kWidth);
  EXPECT_TRUE(module->parameters().empty());
  ExpectMatches(*module, RowsOf(*module), Encoding(300, true), Input());
}

TEST(PositionEncoding, GoesOnBehindTheLength) {
  const auto module =
      MakeTemporal("position_encoding", {{"length", 2}, {"normalise", false}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Encoding(2, false), Input());
}

TEST(PositionEncoding, HasEachVideosLengthAsThePaper) {
  for (const bool normalise : {true, false}) {
    const auto module =
        MakeTemporal("position_encoding", {{"length", "video"}, {"normalise", normalise}}, kWidth);
    ExpectMatches(*module, RowsOf(*module), Encoding(0, normalise), Input());
  }
}

// The weights by hand, from one frame of ones at each place of a video of 4 frames and width 2.
TEST(PositionEncoding, WeighsByPositionAndColumn) {
  const auto weights = [](const OptionValue& length) {
    const auto module =
        MakeTemporal("position_encoding", {{"length", length}, {"normalise", false}}, 2);
    std::vector<Vector> rows;
    for (std::int64_t t = 0; t < 4; ++t) {
      torch::Tensor frames = torch::zeros({1, 5, 2});
      frames[0][t].fill_(1);
      const Sequence input{frames, contract::MaskOf({4}, 5), torch::tensor({4}, torch::kLong)};
      rows.push_back(reference::ArrayOf(module->forward(input, {})).values);
    }
    return rows;
  };
  EXPECT_EQ(weights(4), (std::vector<Vector>{{1, 0.5}, {0.75, 0.5}, {0.5, 0.5}, {0.25, 0.5}}));
  EXPECT_EQ(weights("video"),
            (std::vector<Vector>{{0.5, 0.25}, {0.5, 0.5}, {0.5, 0.75}, {0.5, 1}}));
}

}  // namespace position_encoding_test
}  // namespace beamgrid::trainer
