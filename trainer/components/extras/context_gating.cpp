// y = sigmoid(W x + b) o x (Miech et al. 2017, Learnable pooling with Context Gating, section 4).

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct ContextGatingOptions {
  std::string on = "embedding";
  bool batch_norm = false;
};

void Describe(Fields& f, ContextGatingOptions& o) {
  f("on", o.on, Choices{{"embedding", "probabilities"}}, "what is gated");
  f("batch_norm", o.batch_norm, "batch norm of W x instead of the bias, as in the authors' code")
      .Tag("BN");
}

class ContextGating : public Extra {
 public:
  ContextGating(const BuildContext& /*context*/, const ContextGatingOptions& options)
      : options_(options) {}

  [[nodiscard]] int order() const override { return 30; }

  std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) override {
    if (options_.on == "embedding") BuildGate(width);
    return width;
  }

  void BuildProbabilities(std::int64_t classes) override {
    if (options_.on == "probabilities") BuildGate(classes);
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    return options_.on == "embedding" ? Gate(embedding) : embedding;
  }

  torch::Tensor OnProbabilities(torch::Tensor probabilities) override {
    return options_.on == "probabilities" ? Gate(probabilities) : probabilities;
  }

 private:
  void BuildGate(std::int64_t width) {
    gate_ = register_module(
        "gate",
        torch::nn::Linear(torch::nn::LinearOptions(width, width).bias(!options_.batch_norm)));
    InitialiseLinear(gate_);
    if (!options_.batch_norm) return;
    norm_ = register_module("norm", BatchNorm(width));
  }

  torch::Tensor Gate(const torch::Tensor& values) {
    torch::Tensor gate = gate_(values);
    // Sets of a video are rows like any other.
    if (norm_) gate = norm_(gate.reshape({-1, gate.size(-1)})).view_as(gate);
    return gate.sigmoid() * values;
  }

  ContextGatingOptions options_;
  torch::nn::Linear gate_{nullptr};
  BatchNorm norm_{nullptr};
};

REGISTER_COMPONENT(Extra, "context_gating", ContextGating, ContextGatingOptions,
                   {.label = "CG",
                    .source = "Miech et al. 2017, Learnable pooling with Context Gating for video "
                              "classification, section 4; Kim et al. 2018",
                    .help = "Multiplies each value with a gate computed from all values."});

}  // namespace
}  // namespace beamgrid::trainer
