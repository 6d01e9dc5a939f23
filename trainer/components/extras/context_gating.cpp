// Context gating, y = sigmoid(W x + b) o x (Miech et al. 2017, Learnable pooling with Context
// Gating, section 4).
//
// Variants: batch norm of W x instead of the bias (the authors' code); without W's diagonal, so
// that no value gates itself (their option); with reduction r > 1 the gate's matrix is factorised,
//   sigmoid(W2 ReLU(W1 x + b1) + b2), W1 [d/r, d], W2 [d, d/r]   (squeeze and excitation)
// [reading] No paper says where batch norm acts in the factorised gate: here it acts on W1 x, and
// neither matrix has a bias, as in NeXtVLAD's code (Lin et al. 2018).
//
// Parameters: d^2 + d; with batch norm d^2 + 4d; reduced 2 d (d/r) + d/r + d, or 2 d (d/r) + 4 d/r.

#include <algorithm>
#include <cstdint>
#include <string>

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct ContextGatingOptions {
  std::string on = "embedding";
  bool batch_norm = false;
  bool remove_diagonal = false;
  std::int64_t reduction = 1;
};

void Describe(Fields& f, ContextGatingOptions& o) {
  f("on", o.on, Choices{{"embedding", "probabilities", "both"}}, "what is gated");
  f("batch_norm", o.batch_norm, "batch norm of W x instead of the bias, as in the authors' code")
      .Tag("BN");
  f("remove_diagonal", o.remove_diagonal, "no value gates itself; only without reduction");
  f("reduction", o.reduction, Range{1, 256},
    "the gate's matrix is the product of two of this times less height and width; 1 = whole")
      .Tag("r");
}

std::int64_t InnerWidth(std::int64_t width, std::int64_t reduction) {
  return reduction == 1 ? width : std::max<std::int64_t>(width / reduction, 1);
}

class ContextGating : public Extra {
 public:
  ContextGating(const BuildContext& /*context*/, const ContextGatingOptions& options)
      : options_(options) {
    if (options.remove_diagonal && options.reduction > 1) {
      throw SpecError(
          "extras.context_gating: remove_diagonal needs the whole matrix; leave out reduction or "
          "remove_diagonal");
    }
  }

  // Behind layer_norm (20), before dropout (40): what is dropped must not gate.
  [[nodiscard]] int order() const override { return 30; }

  std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) override {
    if (options_.on != "probabilities") BuildGate("", width, embedding_);
    return width;
  }

  void BuildProbabilities(std::int64_t classes) override {
    if (options_.on != "embedding") BuildGate("probability_", classes, probabilities_);
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    return options_.on == "probabilities" ? embedding : Apply(embedding_, embedding);
  }

  torch::Tensor OnProbabilities(torch::Tensor probabilities) override {
    return options_.on == "embedding" ? probabilities : Apply(probabilities_, probabilities);
  }

 private:
  struct Gate {
    Linear linear{nullptr}, expand{nullptr};
    BatchNorm norm{nullptr};
  };

  void BuildGate(const std::string& prefix, std::int64_t width, Gate& gate) {
    const std::int64_t inner = InnerWidth(width, options_.reduction);
    gate.linear = AddLinear(prefix + "gate", width, inner);
    if (options_.batch_norm) gate.norm = register_module(prefix + "norm", BatchNorm(inner));
    if (options_.reduction > 1) gate.expand = AddLinear(prefix + "expand", inner, width);
  }

  Linear AddLinear(const std::string& name, std::int64_t from, std::int64_t to) {
    Linear linear = register_module(
        name, Linear(torch::nn::LinearOptions(from, to).bias(!options_.batch_norm)));
    InitialiseLinear(linear);
    return linear;
  }

  torch::Tensor Apply(Gate& layers, const torch::Tensor& values) const {
    torch::Tensor gate = layers.linear(values);
    // Subtracting x_i W_ii leaves the matrix as it is: a masked copy of W would cost d^2 in each
    // step.
    if (options_.remove_diagonal) gate = gate - values * layers.linear->weight.diagonal();
    // Sets of a video are rows like any other, and batch norm takes rows.
    if (layers.norm) gate = layers.norm(gate.reshape({-1, gate.size(-1)})).view_as(gate);
    if (layers.expand) gate = layers.expand(gate.relu());
    return gate.sigmoid() * values;
  }

  ContextGatingOptions options_;
  Gate embedding_, probabilities_;
};

REGISTER_COMPONENT(Extra, "context_gating", ContextGating, ContextGatingOptions,
                   {.label = "CG",
                    .source = "Miech et al. 2017, Learnable pooling with Context Gating for video "
                              "classification, section 4; Kim et al. 2018; reduction: Lin et al. "
                              "2018, NeXtVLAD",
                    .help = "Multiplies each value with a gate computed from all values."});

}  // namespace
}  // namespace beamgrid::trainer
