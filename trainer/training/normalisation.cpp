#include "trainer/training/normalisation.h"

#include <cmath>

#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

/// Of the squared norm, as in TensorFlow's l2_normalize.
constexpr double kRowNormFloor = 1e-12;

torch::Tensor NormOf(const torch::Tensor& rows) {
  return torch::linalg_vector_norm(rows, 2, torch::IntArrayRef{-1}, /*keepdim=*/true)
      .clamp_min(std::sqrt(kRowNormFloor));
}

}  // namespace

InputNormalisation::InputNormalisation(const DataSpec& data)
    : video_level_(data.format == "video"), jointly_(data.normalise.empty()) {
  std::int64_t all = 0;
  bool standardises = false;
  for (const auto& [name, width] : data.features) {
    const Normalisation how = jointly_ ? Normalisation::kNone : data.normalise.at(name);
    features_.emplace_back(width, how);
    all += width;
    standardises = standardises || how == Normalisation::kStandardise;
  }
  if (!standardises) return;
  mean_ = register_buffer("mean", torch::zeros({all}, torch::kFloat));
  deviation_ = register_buffer("deviation", torch::ones({all}, torch::kFloat));
}

void InputNormalisation::SetStatistics(const FeatureStatistics& statistics) {
  const torch::NoGradGuard no_gradient;
  auto* mean = mean_.data_ptr<float>();
  auto* deviation = deviation_.data_ptr<float>();
  std::size_t column = 0;
  for (const auto& [width, how] : features_) {
    for (std::int64_t i = 0; i < width; ++i, ++column) {
      if (how != Normalisation::kStandardise) continue;
      mean[column] = static_cast<float>(statistics.mean.at(column));
      // A number that never varies: what is left after its mean is 0, whatever divides it. So it is
      // where it varies by less than a float can say.
      const auto spread = static_cast<float>(statistics.deviation.at(column));
      deviation[column] = spread == 0 ? 1 : spread;
    }
  }
}

torch::Tensor InputNormalisation::Apply(torch::Tensor frames, const torch::Tensor& mask) const {
  if (jointly_ && video_level_) return L2Normalise(frames, -1);
  // In place: a batch of 128 videos of 300 frames is 177 MB, and every pass that makes a new tensor
  // writes as much. Dividing and zeroing in one pass: frames are finite, so padding times 0 is 0.
  if (jointly_) return frames.mul_(mask.unsqueeze(-1) / NormOf(frames));
  if (standardises()) frames.sub_(mean_).div_(deviation_);
  std::int64_t begin = 0;
  for (const auto& [width, how] : features_) {
    torch::Tensor part = frames.narrow(-1, begin, width);
    if (how == Normalisation::kL2) part.div_(NormOf(part));
    begin += width;
  }
  return frames.masked_fill_(mask.logical_not().unsqueeze(-1), 0);
}

}  // namespace beamgrid::trainer
