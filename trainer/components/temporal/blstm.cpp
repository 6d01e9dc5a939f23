// Bidirectional LSTM, its states averaged over the valid frames (Kim et al. 2018, Temporal
// Attention Mechanism with Conditional Inference for Large-Scale Multi-Label Video Classification,
// section 4.3). The slides add a residual connection without saying how 2h meets the input's width.
// [reading] Here the states are projected, y_t = P [forward_t; backward_t] + b + x_t: with 1024
// cells in each direction, on 1152 values and with MoE2, that is 161.92 MiB, and the paper reports
// 162.
//
// The stacked Bi-LSTM of Zhao 2017 (Deep Multimodal Learning: An Effective Method for Video
// Classification) is layers = 2, residual = false, pool = "final". [reading] That paper gives
// neither the number of cells nor the summary of a video: here they are 1024 in each direction and
// the final states.

#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct BlstmOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  bool residual = true;
  std::string pool = kMeanPool;
  bool peepholes = false;
};

void Describe(Fields& f, BlstmOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer in each direction").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("residual", o.residual,
    "project the states to the input's width and add the input; else the embedding is 2 * hidden "
    "wide");
  f("pool", o.pool, Choices{{kMeanPool, kFinalPool, kMaxPool}},
    "over the valid frames; final: each direction's state at its own end");
  DescribePeepholes(f, o.peepholes);
}

class Blstm : public RecurrentTemporal {
 public:
  Blstm(const BuildContext& context, const BlstmOptions& options)
      : RecurrentTemporal(context,
                          {.hidden = options.hidden,
                           .direction = Direction::kBoth,
                           .peepholes = options.peepholes},
                          options.layers, options.pool),
        input_width_(context.input_width),
        residual_(options.residual) {
    if (!residual_) return;
    projection_ = register_module("projection", Linear(stack().output_width(), input_width_));
    InitialiseLinear(projection_);
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor states = stack().forward(input).states;
    if (!residual_) return PoolStates(states, input.mask, pool());
    if (pool() == kMaxPool) return MaskedMax(projection_(states) + input.frames, input.mask);
    // The projection is linear: pooled first, it costs one row a video instead of one a frame.
    return projection_(PoolStates(states, input.mask, pool())) + PoolFrames(input);
  }

  [[nodiscard]] std::int64_t output_width() const override {
    return residual_ ? input_width_ : RecurrentTemporal::output_width();
  }

  /// y_t, or the states themselves without the residual.
  Sequence States(const Sequence& input, const Targets& targets) override {
    Sequence states = RecurrentTemporal::States(input, targets);
    if (residual_) {
      states.frames = ZeroPadding(projection_(states.frames) + input.frames, input.mask);
    }
    return states;
  }
  [[nodiscard]] std::int64_t states_width() const override { return output_width(); }

 private:
  /// What the residual adds to pooled states. Beside final states, which lie at both ends of the
  /// video, that is the last frame.
  [[nodiscard]] torch::Tensor PoolFrames(const Sequence& input) const {
    return PoolStates(input.frames, input.mask, pool() == kFinalPool ? kLastPool : pool());
  }

  std::int64_t input_width_;
  bool residual_;
  Linear projection_{nullptr};
};

REGISTER_COMPONENT(
    Temporal, "blstm", Blstm, BlstmOptions,
    {.label = "BLSTM",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
               "Inference for Large-Scale Multi-Label Video Classification, section 4.3, and its "
               "slides; Zhao 2017, Deep Multimodal Learning: An Effective Method for Video "
               "Classification",
     .help = "Bidirectional LSTM with a residual connection, pooled over the valid "
             "frames. The paper gives no cell count; 1024 and the projected "
             "residual give its model sizes. Zhao's stacked Bi-LSTM is layers = 2, residual = "
             "false, pool = \"final\"."});

}  // namespace
}  // namespace beamgrid::trainer
