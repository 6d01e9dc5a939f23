#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {

FeaturePair RequirePair(const BuildContext& context, const std::string& component) {
  if (context.features.size() == 2) {
    return {.image = context.features[0].second, .audio = context.features[1].second};
  }
  std::string names;
  for (const Feature& feature : context.features) {
    names += (names.empty() ? "" : ", ") + feature.first;
  }
  throw SpecError(
      "multimodal '" + component +
      "' needs exactly two features, the image first and the audio second; data.features "
      "has " +
      std::to_string(context.features.size()) + " (" + names + "); 'concat' takes any number");
}

}  // namespace beamgrid::trainer
