// Multi-layer perceptron (Na et al. 2017, section 2.3.3):
//   h_0 = z, h_i = ReLU(LayerNorm(W_i h_{i-1})), p = sigmoid(W h_layers)
// No layer has a bias; the layer norms have gain and offset.

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

struct MlpOptions {
  std::int64_t layers = 3;
  std::int64_t hidden = 4096;
  bool layer_norm = true;
};

void Describe(Fields& f, MlpOptions& o) {
  f("layers", o.layers, Range{1, 16}, "hidden layers").Tag("L");
  f("hidden", o.hidden, Range{1, 65536}, "width of a hidden layer").Tag("h");
  f("layer_norm", o.layer_norm, "layer normalisation before each activation").Tag("LN");
}

class Mlp : public Classifier {
 public:
  Mlp(const BuildContext& context, const MlpOptions& options) {
    std::int64_t width = context.input_width;
    for (std::int64_t layer = 0; layer < options.layers; ++layer) {
      const std::string number = std::to_string(layer);
      hidden_.push_back(
          register_module("hidden" + number, XavierLinearWithoutBias(width, options.hidden)));
      width = options.hidden;
      if (!options.layer_norm) continue;
      norms_.push_back(register_module("norm" + number,
                                       torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}))));
    }
    output_ = register_module("output", XavierLinearWithoutBias(width, context.classes));
  }

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    torch::Tensor values = embedding;
    for (std::size_t layer = 0; layer < hidden_.size(); ++layer) {
      values = hidden_[layer](values);
      if (!norms_.empty()) values = norms_[layer](values);
      values = values.relu();
    }
    const torch::Tensor logits = output_(values);
    return {.probabilities = logits.sigmoid(), .logits = logits};
  }

  std::vector<torch::Tensor> RegularisedWeights() override {
    std::vector<torch::Tensor> weights;
    for (const Linear& linear : hidden_) weights.push_back(linear->weight);
    weights.push_back(output_->weight);
    return weights;
  }

 private:
  std::vector<Linear> hidden_;
  std::vector<torch::nn::LayerNorm> norms_;  ///< by layer, or none
  Linear output_{nullptr};
};

REGISTER_COMPONENT(Classifier, "mlp", Mlp, MlpOptions,
                   {.label = "MLP",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.3.3",
                    .help = "Fully connected layers without biases, each followed by layer "
                            "normalisation and ReLU, then one logistic regression per class."});

}  // namespace
}  // namespace beamgrid::trainer
