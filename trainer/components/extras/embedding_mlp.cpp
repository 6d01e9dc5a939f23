// Trained layers between temporal aggregation and classifier:
//   e = ReLU(W2 ReLU(W1 z + b1) + b2)          hidden > 0
//   e = ReLU(W2 z + b2)                        hidden = 0
// Na et al. 2017 (Encoding Video and Label Priors for Multi-label Video Classification on
// YouTube-8M dataset, section 2.5.1) draw "the embedding vector from penultimate layer" to its
// labels' centres; in their code that is the second of two layers of 4096 and 2048 values. Without
// a trained layer before the classifier (indirect clustering, a mixture) the centres pull at
// constants and the center loss changes nothing.

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

struct EmbeddingMlpOptions {
  std::int64_t width = 2048;
  std::int64_t hidden = 4096;
};

void Describe(Fields& f, EmbeddingMlpOptions& o) {
  f("width", o.width, Range{1, 65536}, "width of the embedding that the classifier receives")
      .AlwaysNamed();
  f("hidden", o.hidden, Range{0, 65536}, "width of the layer before it; 0: none").Tag("h");
}

class EmbeddingMlp : public Extra {
 public:
  EmbeddingMlp(const BuildContext& /*context*/, const EmbeddingMlpOptions& options)
      : options_(options) {}

  // Behind context_gating (30), which belongs to the pooled frames, before dropout (40).
  [[nodiscard]] int order() const override { return 35; }

  std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) override {
    if (options_.hidden > 0) {
      hidden_ = register_module("hidden", XavierLinear(width, options_.hidden));
      width = options_.hidden;
    }
    embedding_ = register_module("embedding", XavierLinear(width, options_.width));
    return options_.width;
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    if (hidden_) embedding = hidden_(embedding).relu();
    return embedding_(embedding).relu();
  }

 private:
  EmbeddingMlpOptions options_;
  Linear hidden_{nullptr}, embedding_{nullptr};
};

REGISTER_COMPONENT(Extra, "embedding_mlp", EmbeddingMlp, EmbeddingMlpOptions,
                   {.label = "MLP",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.5.1 "
                              "(authors' code)",
                    .help = "Fully connected layers with ReLU before the classifier: a trained "
                            "embedding, which the center loss needs."});

}  // namespace
}  // namespace beamgrid::trainer
