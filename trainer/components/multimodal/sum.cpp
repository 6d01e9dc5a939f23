// Element-wise sum (Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for
// Large-Scale Multi-Label Video Classification, section 3.1, method 1): x_t = v_t + W a_t + b.

#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {
namespace {

struct SumOptions {};

void Describe(Fields& /*fields*/, SumOptions& /*options*/) {}

class Sum : public Multimodal {
 public:
  Sum(const BuildContext& context, const SumOptions& /*options*/)
      : pair_(RequirePair(context, "sum")),
        audio_to_image_(register_module("audio_to_image", XavierLinear(pair_.audio, pair_.image))) {
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor sum =
        pair_.ImageOf(input.frames) + audio_to_image_(pair_.AudioOf(input.frames));
    // The bias would leak into padding.
    return {ZeroPadding(sum, input.mask), input.mask, input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return pair_.image; }

 private:
  FeaturePair pair_;
  torch::nn::Linear audio_to_image_;
};

REGISTER_COMPONENT(
    Multimodal, "sum", Sum, SumOptions,
    {.label = "MS",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for "
               "Large-Scale Multi-Label Video Classification, section 3.1, method 1",
     .help = "The audio, projected to the image's width, added to the image. The paper's section 5 "
             "calls method 2 MS; its slides and sizes speak for the sum."});

}  // namespace
}  // namespace beamgrid::trainer
