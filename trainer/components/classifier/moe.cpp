// A mixture of logistic experts per class; equation and parameter count in mixture.h. With two
// layers (Na et al. 2017, eq. 16-17) gates and experts each see their own linear layer's values:
//   p = mixture with gates of (U z + u), experts of (V z + v)
// and with more layers those of a chain of them ("multi-layer"). [reading] The equations leave open
// whether each expert has a hidden layer of its own, and how wide it is: here there is one for all
// gates and one for all experts, without activation, of width 2048 as in the authors' code.
//
// Na et al.'s own mixture (eq. 14-15) is gate_bias = true, dummy = false: a softmax over the
// experts alone. The defaults are the starter code's.

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
  bool dummy = true;
};

void Describe(Fields& f, MoeOptions& o) {
  f("experts", o.experts, Range{1, 64}, "experts per class, the dummy expert not counted")
      .AlwaysNamed();
  f("layers", o.layers, Range{1, 8},
    "2 = a hidden linear layer each before gates and experts; 3 = two of them, and so on")
      .Tag("L");
  f("hidden", o.hidden, Range{1, 65536}, "width of the hidden layers, with layers > 1").Tag("h");
  f("gate_bias", o.gate_bias, "gates with a bias, as in Na et al. 2017, eq. 15").Tag("GB");
  f("dummy", o.dummy,
    "a dummy expert that always says 0 takes part in the softmax, as in the starter code; false: "
    "the experts alone, as in Na et al. 2017, eq. 15");
}

class Moe : public Classifier {
 public:
  Moe(const BuildContext& context, const MoeOptions& options) {
    std::int64_t width = context.input_width;
    for (std::int64_t layer = 1; layer < options.layers; ++layer) {
      const std::string number = layer == 1 ? "" : std::to_string(layer);
      Add("before_gates" + number, width, options.hidden, before_gates_);
      Add("before_experts" + number, width, options.hidden, before_experts_);
      InitialiseLinear(before_gates_.back());
      InitialiseLinear(before_experts_.back());
      width = options.hidden;
    }
    mixture_ = register_module(
        "mixture",
        std::make_shared<Mixture>(width, context.classes, options.experts,
                                  options.gate_bias ? GateBias::kTrained : GateBias::kNone,
                                  options.dummy ? Dummy::kYes : Dummy::kNo));
  }

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    return {.probabilities = mixture_->forward(Through(before_gates_, embedding),
                                               Through(before_experts_, embedding))};
  }

  std::vector<torch::Tensor> RegularisedWeights() override {
    std::vector<torch::Tensor> weights = mixture_->Weights();
    for (const auto* layers : {&before_gates_, &before_experts_}) {
      for (const Linear& layer : *layers) weights.push_back(layer->weight);
    }
    return weights;
  }

 private:
  using Layers = std::vector<Linear>;

  void Add(const std::string& name, std::int64_t inputs, std::int64_t outputs, Layers& layers) {
    layers.push_back(register_module(name, Linear(inputs, outputs)));
  }

  static torch::Tensor Through(Layers& layers, torch::Tensor values) {
    for (Linear& layer : layers) values = layer(values);
    return values;
  }

  Layers before_gates_, before_experts_;
  std::shared_ptr<Mixture> mixture_;
};

REGISTER_COMPONENT(Classifier, "moe", Moe, MoeOptions,
                   {.label = "MoE",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark; starter code's MoeModel; two layers: Na "
                              "et al. 2017, section 2.3.2",
                    .help = "Per class a mixture of logistic experts and, by default, of a dummy "
                            "expert that always says 0; gates without (by default), experts with a "
                            "bias. Na et al.'s form is gate_bias = true, dummy = false."});

}  // namespace
}  // namespace beamgrid::trainer
