// A mixture of logistic experts per class; equation and parameter count in mixture.h.

#include "trainer/component.h"
#include "trainer/components/classifier/mixture.h"

namespace beamgrid::trainer {
namespace {

struct MoeOptions {
  std::int64_t experts = 2;
};

void Describe(Fields& f, MoeOptions& o) {
  f("experts", o.experts, Range{1, 64}, "experts per class, the dummy expert not counted")
      .AlwaysNamed();
}

class Moe : public Classifier {
 public:
  Moe(const BuildContext& context, const MoeOptions& options)
      : mixture_(register_module(
            "mixture",
            std::make_shared<Mixture>(context.input_width, context.classes, options.experts))) {}

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    return {.probabilities = mixture_->forward(embedding)};
  }

  std::vector<torch::Tensor> RegularisedWeights() override { return mixture_->Weights(); }

 private:
  std::shared_ptr<Mixture> mixture_;
};

REGISTER_COMPONENT(Classifier, "moe", Moe, MoeOptions,
                   {.label = "MoE",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark; starter code's MoeModel",
                    .help = "Per class a mixture of logistic experts and of a dummy expert that "
                            "always says 0; gates without, experts with a bias."});

}  // namespace
}  // namespace beamgrid::trainer
