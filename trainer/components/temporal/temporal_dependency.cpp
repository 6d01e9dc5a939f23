// Temporal dependency network (Kim et al. 2018, Temporal Attention Mechanism with Conditional
// Inference for Large-Scale Multi-Label Video Classification: the talk's further works). A video is
// a graph whose nodes are its frames and whose edges are the learned dependencies between two
// frames.
//
// [reading] The talk shows the parts (structure learning, representation learning, learned
// adjacency matrices) and no equation. Here it is built as
//   A_ij = softmax_j((Q x_i) . (K x_j))       over the valid frames: one adjacency for all layers
//   H^0  = X,   H^l = ReLU(A H^(l-1) W_l + H^(l-1) U_l + b_l)
//   e    = mean_i H^L_i                        over the valid frames

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct TemporalDependencyOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  std::int64_t keys = 128;
};

void Describe(Fields& f, TemporalDependencyOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "width of a node's state").Tag("h");
  f("layers", o.layers, Range{1, 8}, "graph convolutions, one after the other").Tag("L");
  f("keys", o.keys, Range{1, 4096}, "width in which two frames are compared").Tag("K");
}

/// ReLU(A H W + H U + b).
class GraphConvolution : public torch::nn::Module {
 public:
  GraphConvolution(std::int64_t width, std::int64_t hidden)
      : neighbours_(register_module("neighbours", XavierLinearWithoutBias(width, hidden))),
        self_(register_module("self", XavierLinear(width, hidden))) {}

  torch::Tensor forward(const torch::Tensor& states, const torch::Tensor& adjacency) {
    return (Product(adjacency, neighbours_(states)) + self_(states)).relu();
  }

 private:
  Linear neighbours_, self_;
};

class TemporalDependency : public Temporal {
 public:
  TemporalDependency(const BuildContext& context, const TemporalDependencyOptions& options)
      : hidden_(options.hidden) {
    query_ = register_module("query", XavierLinearWithoutBias(context.input_width, options.keys));
    key_ = register_module("key", XavierLinearWithoutBias(context.input_width, options.keys));
    std::int64_t width = context.input_width;
    for (std::int64_t layer = 0; layer < options.layers; ++layer) {
      layers_.push_back(register_module("layer" + std::to_string(layer),
                                        std::make_shared<GraphConvolution>(width, hidden_)));
      width = hidden_;
    }
  }

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    return MaskedMean(States(input, targets).frames, input.mask);
  }
  [[nodiscard]] std::int64_t output_width() const override { return hidden_; }

  [[nodiscard]] std::int64_t states_width() const override { return hidden_; }
  Sequence States(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor adjacency = Adjacency(input);
    torch::Tensor states = input.frames;
    // Padding becomes ReLU(b) on the way, but no edge leads out of it: its columns are 0.
    for (const auto& layer : layers_) states = layer->forward(states, adjacency);
    return {ZeroPadding(states, input.mask), input.mask, input.lengths};
  }

 private:
  /// [batch, frames, frames]: rows sum to 1 over the valid frames, columns of padding are 0.
  torch::Tensor Adjacency(const Sequence& input) {
    const torch::Tensor scores = Product(query_(input.frames), key_(input.frames).transpose(1, 2));
    return MaskedSoftmax(scores, input.mask.unsqueeze(1), -1);
  }

  std::int64_t hidden_;
  Linear query_{nullptr}, key_{nullptr};
  std::vector<std::shared_ptr<GraphConvolution>> layers_;
};

REGISTER_COMPONENT(
    Temporal, "temporal_dependency", TemporalDependency, TemporalDependencyOptions,
    {.label = "TDN",
     .source = "Kim et al. 2018, slides of Temporal Attention Mechanism with Conditional Inference "
               "for Large-Scale Multi-Label Video Classification: further works",
     .help = "Frames as nodes of a graph with learned edges, graph convolutions, and the mean of "
             "the nodes. Reading, as the talk has no equation: adjacency softmax_j(Q x_i . K x_j), "
             "layers ReLU(A H W + H U + b)."});

}  // namespace
}  // namespace beamgrid::trainer
