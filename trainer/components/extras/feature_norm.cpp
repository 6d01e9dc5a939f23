// Each feature of a frame divided by its own length (Na et al. 2017, Encoding Video and Label
// Priors for Multi-label Video Classification on YouTube-8M dataset, section 2.1: image and audio
// are L2-normalised each, then concatenated):
//   x_t = [v_t / ||v_t||; a_t / ||a_t||]
// Without it a frame is normalised over all features together, as in the starter code and in the
// authors' own code. That is a common factor of both, which drops out here.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct FeatureNormOptions {};

void Describe(Fields& /*fields*/, FeatureNormOptions& /*options*/) {}

class FeatureNorm : public Extra {
 public:
  FeatureNorm(const BuildContext& context, const FeatureNormOptions& /*options*/) {
    for (const Feature& feature : context.features) widths_.push_back(feature.second);
  }

  // Before noise (0), which is scaled for normalised frames.
  [[nodiscard]] int order() const override { return -10; }

  Sequence OnInput(Sequence sequence) override {
    std::vector<torch::Tensor> parts = sequence.frames.split_with_sizes(widths_, -1);
    for (torch::Tensor& part : parts) part = L2Normalise(part, -1);
    sequence.frames = ZeroPadding(torch::cat(parts, -1), sequence.mask);
    return sequence;
  }

 private:
  std::vector<std::int64_t> widths_;
};

REGISTER_COMPONENT(Extra, "feature_norm", FeatureNorm, FeatureNormOptions,
                   {.label = "FN",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.1",
                    .help = "Each feature of a frame is L2-normalised by itself, before they are "
                            "concatenated; without it they are normalised together."});

}  // namespace
}  // namespace beamgrid::trainer
