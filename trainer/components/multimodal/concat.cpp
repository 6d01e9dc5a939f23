// Early fusion: x_t = [v_t; a_t]. The data layer has concatenated and normalised the features
// already.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct ConcatOptions {};

void Describe(Fields& /*fields*/, ConcatOptions& /*options*/) {}

class Concat : public Multimodal {
 public:
  Concat(const BuildContext& context, const ConcatOptions& /*options*/) {
    for (const Feature& feature : context.features) width_ += feature.second;
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override { return input; }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_ = 0;
};

REGISTER_COMPONENT(
    Multimodal, "concat", Concat, ConcatOptions,
    {.label = "MC",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
               "Inference for Large-Scale Multi-Label Video Classification, section 3.1 (baseline)",
     .help = "The features of a frame side by side, normalised together."});

}  // namespace
}  // namespace beamgrid::trainer
