#pragma once
// For the fusions that need exactly two features: the first is called image, the second audio.

#include "trainer/component.h"

namespace beamgrid::trainer {

/// Widths of the two features.
struct FeaturePair {
  std::int64_t image = 0;
  std::int64_t audio = 0;

  /// The feature's part of concatenated frames [B,T,image+audio].
  [[nodiscard]] torch::Tensor ImageOf(const torch::Tensor& frames) const {
    return frames.narrow(-1, 0, image);
  }
  [[nodiscard]] torch::Tensor AudioOf(const torch::Tensor& frames) const {
    return frames.narrow(-1, image, audio);
  }
};

/// "rgb, audio": the data's features, for messages.
[[nodiscard]] std::string FeatureNames(const BuildContext& context);

/// Throws SpecError if the data has another number of features than two.
[[nodiscard]] FeaturePair RequirePair(const BuildContext& context, const std::string& component);

}  // namespace beamgrid::trainer
