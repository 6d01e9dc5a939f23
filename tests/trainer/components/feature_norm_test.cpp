#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace feature_norm_test {

using reference::Arrays;
using reference::Dot;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

const std::vector<Feature> kFeatures = {{"rgb", 3}, {"audio", 2}};

std::shared_ptr<Extra> Make(bool video_level = false) {
  return Makers<Extra>::All().at("feature_norm")(
      {.features = kFeatures, .video_level = video_level}, {});
}

Vector Normalised(Vector values) {
  const double norm = std::sqrt(std::max(Dot(values, values), 1e-12));
  for (double& value : values) value /= norm;
  return values;
}

Matrix Reference(const Arrays& /*arrays*/, const Videos& videos) {
  Matrix rows;
  for (const Matrix& video : videos) {
    Vector row;
    for (const Vector& frame : video) {
      for (const double value : Normalised({frame.begin(), frame.begin() + 3}))
        row.push_back(value);
      for (const double value : Normalised({frame.begin() + 3, frame.end()})) row.push_back(value);
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(FeatureNorm, GivesEachFeatureTheLengthOne) {
  torch::manual_seed(71);
  const auto module = Make();
  const auto rows = [&](const Sequence& input) {
    const Sequence output = module->OnInput(input);
    EXPECT_EQ(output.frames.masked_fill(input.mask.unsqueeze(-1), 0).abs().max().item<double>(), 0);
    std::vector<torch::Tensor> valid;
    for (std::int64_t b = 0; b < input.lengths.size(0); ++b) {
      valid.push_back(
          output.frames[b].slice(0, 0, input.lengths[b].item<std::int64_t>()).flatten());
    }
    return valid;
  };
  reference::ExpectMatches(*module, rows, Reference,
                           contract::RandomSequence(reference::kLengths, reference::kFrames, 5));
}

// Frames come normalised over all features together: the common factor must not be left over.
TEST(FeatureNorm, DoesNotDependOnTheNormOfTheWholeFrame) {
  const auto module = Make(/*video_level=*/true);
  const Sequence input = contract::RandomSequence({1, 1}, 1, 5);
  Sequence scaled = input;
  scaled.frames = input.frames / input.frames.norm(2, -1, /*keepdim=*/true);
  EXPECT_TRUE(
      torch::allclose(module->OnInput(input).frames, module->OnInput(scaled).frames, 1e-5, 1e-6));
}

TEST(FeatureNorm, LeavesAFeatureOfZerosZero) {
  Sequence input = contract::RandomSequence({2}, 2, 5);
  input.frames.narrow(-1, 3, 2).zero_();
  const torch::Tensor frames = Make()->OnInput(input).frames;
  EXPECT_TRUE(frames.isfinite().all().item<bool>());
  EXPECT_TRUE(frames.narrow(-1, 3, 2).eq(0).all().item<bool>());
}

}  // namespace feature_norm_test
}  // namespace beamgrid::trainer
