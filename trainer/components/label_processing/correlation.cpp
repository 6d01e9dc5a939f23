// Label correlation, O = alpha p + beta M p + gamma M' p (Na et al. 2017, eq. 20), p the
// classifier's probabilities, M the fixed correlation of labels in the training data, M' a
// trainable matrix that starts as M.
//
// [reading] The paper says of M only that it is higher for labels that appear together more often:
// here M_ij = count(i, j) / count(j), 0 on the diagonal, each row scaled to sum 1 (a row of zeros
// stays). O may leave [0, 1] and is clamped; or the sum is taken over the logits of p, and O is its
// sigmoid. The clamp passes gradients that lead back inside: else a certain and wrong O would stay.
//
// A matrix whose factor is 0 does not exist. M is shipped with the model, so it counts for its
// size.

#include "trainer/component.h"
#include "trainer/products.h"

namespace beamgrid::trainer {
namespace {

/// Logits of 0 and 1 are infinite: probabilities are kept this far away from both.
constexpr double kLeastProbability = 1e-6;

struct CorrelationOptions {
  double alpha = 1;
  double beta = 0.01;
  double gamma = 0.01;
  std::string on = "probabilities";
};

void Describe(Fields& f, CorrelationOptions& o) {
  f("alpha", o.alpha, Range{0, 100}, "factor of the classifier's own scores").Tag("a");
  f("beta", o.beta, Range{0, 100}, "factor of the fixed correlation; 0 leaves the matrix out")
      .Tag("b");
  f("gamma", o.gamma, Range{0, 100}, "factor of the trained correlation; 0 leaves the matrix out")
      .Tag("g");
  f("on", o.on, Choices{{"probabilities", "logits"}},
    "what is summed: probabilities, the result clamped to [0, 1], or their logits");
}

class ClampFunction : public torch::autograd::Function<ClampFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& values) {
    context->save_for_backward({values});
    return values.clamp(0, 1);
  }

  /// A step goes against the gradient: above 1 a positive one leads back, below 0 a negative one.
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const torch::Tensor values = context->get_saved_variables()[0];
    const torch::Tensor& gradient = gradients[0];
    const torch::Tensor outwards =
        (values > 1).logical_and(gradient < 0).logical_or((values < 0).logical_and(gradient > 0));
    return {gradient.masked_fill(outwards, 0)};
  }
};

/// M from the counts of pairs, whose diagonal counts single labels.
torch::Tensor CorrelationOf(const torch::Tensor& pairs) {
  // A label that never occurs has a column of zeros, which divided by 1 stay.
  const torch::Tensor counts = pairs.diagonal().clamp_min(1);
  torch::Tensor matrix = pairs / counts.unsqueeze(0);
  matrix.fill_diagonal_(0);
  const torch::Tensor sums = matrix.sum(1, /*keepdim=*/true);
  return matrix / sums.masked_fill(sums == 0, 1);
}

class Correlation : public LabelProcessing {
 public:
  Correlation(const BuildContext& context, const CorrelationOptions& options) : options_(options) {
    // Zeros until the labels are known: where none are at hand, only the shapes count.
    const torch::Tensor matrix = torch::zeros({context.classes, context.classes}, torch::kFloat);
    if (options.beta != 0) fixed_ = register_buffer("fixed", matrix.clone());
    if (options.gamma != 0) trained_ = register_parameter("trained", matrix.clone());
    if (context.labels != nullptr) Initialise(*context.labels);
  }

  torch::Tensor forward(torch::Tensor probabilities) override {
    if (options_.on == "probabilities") return ClampFunction::apply(Combine(probabilities));
    const torch::Tensor logits =
        probabilities.clamp(kLeastProbability, 1 - kLeastProbability).logit();
    return Combine(logits).sigmoid();
  }

 private:
  void Initialise(const LabelStatistics& labels) {
    if (!fixed_.defined() && !trained_.defined()) return;
    const torch::NoGradGuard no_gradient;
    const torch::Tensor matrix = CorrelationOf(labels.CoOccurrence());
    if (fixed_.defined()) fixed_.copy_(matrix);
    if (trained_.defined()) trained_.copy_(matrix);
  }

  /// Scores are rows, so M p is p M^T.
  [[nodiscard]] torch::Tensor Combine(const torch::Tensor& scores) const {
    torch::Tensor sum = scores * options_.alpha;
    if (fixed_.defined()) sum = sum + options_.beta * Product(scores, fixed_.t());
    if (trained_.defined()) sum = sum + options_.gamma * Product(scores, trained_.t());
    return sum;
  }

  CorrelationOptions options_;
  torch::Tensor fixed_;    ///< M [classes, classes], buffer
  torch::Tensor trained_;  ///< M'
};

REGISTER_COMPONENT(LabelProcessing, "correlation", Correlation, CorrelationOptions,
                   {.label = "Corr",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.4",
                    .help = "Adds to each label's score those of the labels that it appears with "
                            "in the training data. Reading: conditional frequencies, rows "
                            "scaled to sum 1, the result clamped to [0, 1]."});

}  // namespace
}  // namespace beamgrid::trainer
