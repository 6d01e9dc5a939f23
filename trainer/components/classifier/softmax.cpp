// Multinomial logistic regression, p = softmax(W z + b): the classes of a video exclude each other
// (data.labels = "multi_class"). Its loss is categorical_cross_entropy.

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

struct SoftmaxOptions {};

void Describe(Fields& /*fields*/, SoftmaxOptions& /*options*/) {}

class Softmax : public Classifier {
 public:
  Softmax(const BuildContext& context, const SoftmaxOptions& /*options*/)
      : linear_(register_module("linear", XavierLinear(context.input_width, context.classes))) {}

  // No logits: those of Scores are of a sigmoid.
  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    return {.probabilities = linear_(embedding).softmax(1)};
  }

  std::vector<torch::Tensor> RegularisedWeights() override { return {linear_->weight}; }

 private:
  Linear linear_;
};

REGISTER_COMPONENT(Classifier, "softmax", Softmax, SoftmaxOptions,
                   {.label = "Softmax",
                    .source = "multinomial logistic regression (Bishop 2006, Pattern Recognition "
                              "and Machine Learning, section 4.3.4)",
                    .help = "Probabilities that sum to 1: for videos with one class each "
                            "(data.labels = \"multi_class\"), with the loss "
                            "categorical_cross_entropy."});

}  // namespace
}  // namespace beamgrid::trainer
