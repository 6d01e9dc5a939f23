// A mixture of logistic experts per class; equation and parameter count in mixture.h. With two
// layers (Na et al. 2017, eq. 16-17) gates and experts each see their own linear layer's values:
//   p = mixture with gates of (U z + u), experts of (V z + v)
// [reading] The equations leave open whether each expert has a hidden layer of its own, and how
// wide it is: here there is one for all gates and one for all experts, without activation, of width
// 2048 as in the authors' code.

#include "trainer/component.h"
#include "trainer/components/classifier/mixture.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct MoeOptions {
  std::int64_t experts = 2;
  std::int64_t layers = 1;
  std::int64_t hidden = 2048;
  bool gate_bias = false;
};

void Describe(Fields& f, MoeOptions& o) {
  f("experts", o.experts, Range{1, 64}, "experts per class, the dummy expert not counted")
      .AlwaysNamed();
  f("layers", o.layers, Range{1, 2}, "2 = a hidden linear layer each before gates and experts")
      .Tag("L");
  f("hidden", o.hidden, Range{1, 65536}, "width of the hidden layers, with layers = 2").Tag("h");
  f("gate_bias", o.gate_bias, "gates with a bias, as in Na et al. 2017, eq. 15").Tag("GB");
}

class Moe : public Classifier {
 public:
  Moe(const BuildContext& context, const MoeOptions& options) {
    std::int64_t width = context.input_width;
    if (options.layers == 2) {
      before_gates_ = register_module("before_gates", torch::nn::Linear(width, options.hidden));
      before_experts_ = register_module("before_experts", torch::nn::Linear(width, options.hidden));
      InitialiseLinear(before_gates_);
      InitialiseLinear(before_experts_);
      width = options.hidden;
    }
    mixture_ = register_module(
        "mixture",
        std::make_shared<Mixture>(width, context.classes, options.experts,
                                  options.gate_bias ? GateBias::kTrained : GateBias::kNone));
  }

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    if (!before_gates_) return {.probabilities = mixture_->forward(embedding)};
    return {.probabilities =
                mixture_->forward(before_gates_(embedding), before_experts_(embedding))};
  }

  std::vector<torch::Tensor> RegularisedWeights() override {
    std::vector<torch::Tensor> weights = mixture_->Weights();
    if (before_gates_) {
      weights.insert(weights.end(), {before_gates_->weight, before_experts_->weight});
    }
    return weights;
  }

 private:
  torch::nn::Linear before_gates_{nullptr}, before_experts_{nullptr};
  std::shared_ptr<Mixture> mixture_;
};

REGISTER_COMPONENT(Classifier, "moe", Moe, MoeOptions,
                   {.label = "MoE",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark; starter code's MoeModel; two layers: Na "
                              "et al. 2017, section 2.3.2",
                    .help = "Per class a mixture of logistic experts and of a dummy expert that "
                            "always says 0; gates without (by default), experts with a bias."});

}  // namespace
}  // namespace beamgrid::trainer
