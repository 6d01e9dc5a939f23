#include "trainer/components/multimodal/feature_pair.h"

#include "registry/util/text.h"

namespace beamgrid::trainer {

std::string FeatureNames(const BuildContext& context) {
  return Join(context.features, ", ", &Feature::first);
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
