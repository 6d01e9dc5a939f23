// The image feature alone, x_t = v_t: a baseline that shows what the audio adds.

#include "trainer/components/multimodal/single_feature.h"

namespace beamgrid::trainer {
namespace {

struct RgbOnlyOptions : SingleFeatureOptions {};

void Describe(Fields& f, RgbOnlyOptions& o) { DescribeSingleFeature(f, o, "rgb"); }

class RgbOnly : public SingleFeature {
 public:
  RgbOnly(const BuildContext& context, const RgbOnlyOptions& options)
      : SingleFeature(context, options, "rgb_only", "rgb") {}
};

REGISTER_COMPONENT(
    Multimodal, "rgb_only", RgbOnly, RgbOnlyOptions,
    {.label = "RGB",
     .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video Classification "
               "Benchmark (models of single features, in the starter code --feature_names=rgb)",
     .help = "The image feature of a frame alone."});

}  // namespace
}  // namespace beamgrid::trainer
