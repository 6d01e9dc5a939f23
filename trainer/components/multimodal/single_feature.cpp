#include "trainer/components/multimodal/single_feature.h"

#include "trainer/components/multimodal/feature_pair.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

std::size_t IndexByName(const BuildContext& context, const std::string& component,
                        const std::string& word) {
  for (std::size_t i = 0; i < context.features.size(); ++i) {
    if (context.features[i].first.find(word) != std::string::npos) return i;
  }
  throw SpecError("multimodal '" + component + "': no feature's name contains \"" + word +
                  "\"; data.features has " + FeatureNames(context) +
                  "; say which with feature = 1.." + std::to_string(context.features.size()));
}

std::size_t IndexByNumber(const BuildContext& context, const std::string& component,
                          std::int64_t number) {
  if (number <= static_cast<std::int64_t>(context.features.size())) {
    return static_cast<std::size_t>(number - 1);
  }
  throw SpecError("multimodal '" + component + "': feature = " + std::to_string(number) +
                  ", must be 1.." + std::to_string(context.features.size()) +
                  ": data.features has " + FeatureNames(context));
}

}  // namespace

void DescribeSingleFeature(Fields& f, SingleFeatureOptions& o, const std::string& word) {
  f("feature", o.feature, Range{1, 99}, Choices{{"auto"}},
    "auto: the first feature whose name contains \"" + word +
        "\"; or its number in data.features, from 1");
  f("normalise", o.normalise,
    "L2-normalise the feature alone, as the reference code does where it reads one feature; off: "
    "it keeps its share of the frame's norm, which is 1 for all features together; of no meaning "
    "where data.normalise says what is done to each feature");
}

SingleFeature::SingleFeature(const BuildContext& context, const SingleFeatureOptions& options,
                             const std::string& component, const std::string& word)
    : normalise_(options.normalise && context.jointly_normalised) {
  const std::size_t index = options.feature.is_string()
                                ? IndexByName(context, component, word)
                                : IndexByNumber(context, component, options.feature.get_int64());
  for (std::size_t i = 0; i < index; ++i) begin_ += context.features[i].second;
  width_ = context.features[index].second;
}

Sequence SingleFeature::forward(const Sequence& input, const Targets& /*targets*/) {
  const torch::Tensor part = input.frames.narrow(-1, begin_, width_);
  return {normalise_ ? L2Normalise(part, -1) : part, input.mask, input.lengths};
}

}  // namespace beamgrid::trainer
