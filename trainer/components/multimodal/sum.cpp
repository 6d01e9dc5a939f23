// Element-wise sum (Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for
// Large-Scale Multi-Label Video Classification, section 3.1, method 1): x_t = v_t + W a_t + b.
// Further features are added as the audio is, each with a layer of its own.

#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {
namespace {

struct SumOptions {};

void Describe(Fields& /*fields*/, SumOptions& /*options*/) {}

class Sum : public Multimodal {
 public:
  Sum(const BuildContext& context, const SumOptions& /*options*/)
      : parts_(RequireParts(context, "sum")) {
    for (std::size_t i = 1; i < parts_.widths.size(); ++i) {
      to_image_.push_back(register_module(FeatureParts::NameOf(i) + "_to_image",
                                          XavierLinear(parts_.widths[i], parts_.widths[0])));
    }
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    const std::vector<torch::Tensor> parts = parts_.Of(input.frames);
    torch::Tensor sum = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) sum = sum + to_image_[i - 1](parts[i]);
    // The biases would leak into padding.
    return {ZeroPadding(sum, input.mask), input.mask, input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return parts_.widths[0]; }

 private:
  FeatureParts parts_;
  std::vector<Linear> to_image_;  ///< of each feature but the first
};

REGISTER_COMPONENT(
    Multimodal, "sum", Sum, SumOptions,
    {.label = "MS",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for "
               "Large-Scale Multi-Label Video Classification, section 3.1, method 1",
     .help =
         "The audio, projected to the image's width, added to the image. The paper's section 5 "
         "calls method 2 MS; its slides and sizes speak for the sum. Further features are added as "
         "the audio is.",
     .least_features = 2});

}  // namespace
}  // namespace beamgrid::trainer
