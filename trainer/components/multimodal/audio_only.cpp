// The audio feature alone, x_t = a_t: a baseline that shows what the image adds.

#include "trainer/components/multimodal/single_feature.h"

namespace beamgrid::trainer {
namespace {

struct AudioOnlyOptions : SingleFeatureOptions {};

void Describe(Fields& f, AudioOnlyOptions& o) { DescribeSingleFeature(f, o, "audio"); }

class AudioOnly : public SingleFeature {
 public:
  AudioOnly(const BuildContext& context, const AudioOnlyOptions& options)
      : SingleFeature(context, options, "audio_only", "audio") {}
};

REGISTER_COMPONENT(
    Multimodal, "audio_only", AudioOnly, AudioOnlyOptions,
    {.label = "Audio",
     .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video Classification "
               "Benchmark (models of single features, in the starter code --feature_names=audio)",
     .help = "The audio feature of a frame alone."});

}  // namespace
}  // namespace beamgrid::trainer
