// Logistic regression for each class, p = sigmoid(W z + b).

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

struct LogisticOptions {};

void Describe(Fields& /*fields*/, LogisticOptions& /*options*/) {}

class Logistic : public Classifier {
 public:
  Logistic(const BuildContext& context, const LogisticOptions& /*options*/)
      : linear_(register_module("linear", XavierLinear(context.input_width, context.classes))) {}

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    const torch::Tensor logits = linear_(embedding);
    return {.probabilities = logits.sigmoid(), .logits = logits};
  }

  std::vector<torch::Tensor> RegularisedWeights() override { return {linear_->weight}; }

 private:
  Linear linear_;
};

REGISTER_COMPONENT(Classifier, "logistic", Logistic, LogisticOptions,
                   {.label = "Logistic",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark",
                    .help = "One logistic regression per class."});

}  // namespace
}  // namespace beamgrid::trainer
