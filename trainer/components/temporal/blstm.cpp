// Bidirectional LSTM, its states averaged over the valid frames (Kim et al. 2018, Temporal
// Attention Mechanism with Conditional Inference for Large-Scale Multi-Label Video Classification,
// section 4.3). The slides add a residual connection without saying how 2h meets the input's width;
// the reading whose size is the reported one: y_t = P [forward_t; backward_t] + b + x_t.

#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct BlstmOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  bool residual = true;
  std::string pool = kMeanPool;
};

void Describe(Fields& f, BlstmOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer in each direction").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("residual", o.residual,
    "project the states to the input's width and add the input; else the embedding is 2 * hidden "
    "wide");
  f("pool", o.pool, Choices{{kMeanPool, kLastPool, kMaxPool}},
    "over the valid frames; last: each direction's state at its own end");
}

class Blstm : public Temporal {
 public:
  Blstm(const BuildContext& context, const BlstmOptions& options)
      : input_width_(context.input_width),
        residual_(options.residual),
        pool_(options.pool),
        stack_(register_module("stack",
                               std::make_shared<RecurrentStack<torch::nn::LSTM>>(
                                   context, options.hidden, options.layers, Direction::kBoth))) {
    if (!residual_) return;
    projection_ =
        register_module("projection", torch::nn::Linear(stack_->output_width(), input_width_));
    InitialiseLinear(projection_);
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor states = stack_->forward(input);
    if (!residual_) return Pool(states, input.mask);
    if (pool_ == kMaxPool) return MaskedMax(projection_(states) + input.frames, input.mask);
    // The projection is linear: pooled first, it costs one row a video instead of one a frame.
    return projection_(Pool(states, input.mask)) + PoolStates(input.frames, input.mask, pool_);
  }

  [[nodiscard]] std::int64_t output_width() const override {
    return residual_ ? input_width_ : stack_->output_width();
  }
  [[nodiscard]] bool adds_skip_connections() const override {
    return stack_->adds_skip_connections();
  }

 private:
  /// As PoolStates, but the backward direction ends at the first frame.
  [[nodiscard]] torch::Tensor Pool(const torch::Tensor& states, const torch::Tensor& mask) const {
    if (pool_ != kLastPool) return PoolStates(states, mask, pool_);
    const std::vector<torch::Tensor> directions = states.chunk(2, -1);
    return torch::cat({LastFrame(directions[0], mask), directions[1].select(1, 0)}, -1);
  }

  std::int64_t input_width_;
  bool residual_;
  std::string pool_;
  std::shared_ptr<RecurrentStack<torch::nn::LSTM>> stack_;
  torch::nn::Linear projection_{nullptr};
};

REGISTER_COMPONENT(
    Temporal, "blstm", Blstm, BlstmOptions,
    {.label = "BLSTM",
     .source =
         "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
         "Inference for Large-Scale Multi-Label Video Classification, section 4.3, and its slides",
     .help = "Bidirectional LSTM with a residual connection, pooled over the valid "
             "frames. The paper gives no cell count; 1024 and the projected "
             "residual give its model sizes."});

}  // namespace
}  // namespace beamgrid::trainer
