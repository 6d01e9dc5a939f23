#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {

std::string FeatureNames(const BuildContext& context) {
  std::string names;
  for (const Feature& feature : context.features) {
    names += (names.empty() ? "" : ", ") + feature.first;
  }
  return names;
}

FeaturePair RequirePair(const BuildContext& context, const std::string& component) {
  if (context.features.size() == 2) {
    return {.image = context.features[0].second, .audio = context.features[1].second};
  }
  throw SpecError(
      "multimodal '" + component +
      "' needs exactly two features, the image first and the audio second; data.features "
      "has " +
      std::to_string(context.features.size()) + " (" + FeatureNames(context) +
      "); 'concat' takes any number");
}

}  // namespace beamgrid::trainer
