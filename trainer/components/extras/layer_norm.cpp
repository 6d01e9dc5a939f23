// Layer normalisation of the embedding (Ba et al. 2016): mean 0 and variance 1 over the values of
// each video, then a trained gain and offset.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct LayerNormOptions {};

void Describe(Fields& /*fields*/, LayerNormOptions& /*options*/) {}

class LayerNormExtra : public Extra {
 public:
  LayerNormExtra(const BuildContext& /*context*/, const LayerNormOptions& /*options*/) {}

  // Behind skip_connection (10), whose part it normalises too, before the gate (30).
  [[nodiscard]] int order() const override { return 20; }

  std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) override {
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
    return width;
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    return norm_(embedding);
  }

 private:
  torch::nn::LayerNorm norm_{nullptr};
};

REGISTER_COMPONENT(
    Extra, "layer_norm", LayerNormExtra, LayerNormOptions,
    {.label = "LN",
     .source = "Ba et al. 2016, Layer Normalization; listed by Kim et al. 2018, "
               "section 4.2",
     .help = "Layer normalisation of the video's embedding, before the classifier."});

}  // namespace
}  // namespace beamgrid::trainer
