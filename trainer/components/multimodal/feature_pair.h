#pragma once
// What the fusions share that need two features, or two or more: the first is called image, the
// second audio.

#include <string>
#include <vector>

#include "registry/util/text.h"
#include "trainer/component.h"

namespace beamgrid::trainer {

/// FeaturePair holds the widths of the two features.
struct FeaturePair {
  std::int64_t image = 0;
  std::int64_t audio = 0;

  /// The image's part of concatenated frames: [B,T,image+audio] -> [B,T,image], a view.
  [[nodiscard]] torch::Tensor ImageOf(const torch::Tensor& frames) const {
    return frames.narrow(-1, 0, image);
  }
  /// The audio's part: [B,T,image+audio] -> [B,T,audio], a view.
  [[nodiscard]] torch::Tensor AudioOf(const torch::Tensor& frames) const {
    return frames.narrow(-1, image, audio);
  }
};

/// FeatureParts is two or more features side by side.
struct FeatureParts {
  std::vector<std::int64_t> widths;

  /// Each feature's part of concatenated frames, [B,T,width of all] -> [B,T,its width]: views.
  [[nodiscard]] std::vector<torch::Tensor> Of(const torch::Tensor& frames) const {
    return frames.split_with_sizes(widths, -1);
  }
  /// The name of a feature's layers and tensors: image, audio, feature3, feature4 ...
  [[nodiscard]] static std::string NameOf(std::size_t feature) {
    if (feature == 0) return "image";
    return feature == 1 ? "audio" : "feature" + std::to_string(feature + 1);
  }
};

/// The names of the data's features for messages: "rgb, audio".
[[nodiscard]] inline std::string FeatureNames(const BuildContext& context) {
  return Join(context.features, ", ", &Feature::first);
}

/// The widths of the data's features. Throws SpecError, in the name of `component`, for one
/// feature.
[[nodiscard]] inline FeatureParts RequireParts(const BuildContext& context,
                                               const std::string& component) {
  if (context.features.size() < 2) {
    throw SpecError("multimodal '" + component +
                    "' needs two or more features; data.features has " +
                    std::to_string(context.features.size()) + " (" + FeatureNames(context) +
                    "); 'concat' takes any number");
  }
  FeatureParts parts;
  for (const Feature& feature : context.features) parts.widths.push_back(feature.second);
  return parts;
}

/// The widths of the data's two features. Throws SpecError, in the name of `component`, if the data
/// has another number of features than two.
[[nodiscard]] inline FeaturePair RequirePair(const BuildContext& context,
                                             const std::string& component) {
  if (context.features.size() == 2) {
    return {.image = context.features[0].second, .audio = context.features[1].second};
  }
  throw SpecError(
      "multimodal '" + component +
      "' needs exactly two features, the image first and the audio second; data.features has " +
      std::to_string(context.features.size()) + " (" + FeatureNames(context) +
      "); 'concat' takes any number");
}

}  // namespace beamgrid::trainer
