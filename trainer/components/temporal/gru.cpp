#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

struct GruOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  std::string pool = kLastPool;
};

void Describe(Fields& f, GruOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("pool", o.pool, Choices{{kLastPool, kMeanPool, kMaxPool}},
    "the top layer's state after the last frame, or the mean or maximum of its states");
}

class Gru : public Temporal {
 public:
  Gru(const BuildContext& context, const GruOptions& options)
      : pool_(options.pool),
        stack_(register_module(
            "stack", std::make_shared<RecurrentStack<torch::nn::GRU>>(
                         context, options.hidden, options.layers, Direction::kForward))) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return PoolStates(stack_->forward(input), input.mask, pool_);
  }
  [[nodiscard]] std::int64_t output_width() const override { return stack_->output_width(); }
  [[nodiscard]] bool adds_skip_connections() const override {
    return stack_->adds_skip_connections();
  }

 private:
  std::string pool_;
  std::shared_ptr<RecurrentStack<torch::nn::GRU>> stack_;
};

REGISTER_COMPONENT(
    Temporal, "gru", Gru, GruOptions,
    {.label = "GRU",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification; "
               "Miech et "
               "al. 2017, Learnable pooling with Context Gating for video classification",
     .help = "Gated recurrent units over the valid frames, in cuDNN's form: the reset gate acts "
             "after the recurrent product, n = tanh(W x + b + r * (U h + c)). The papers' "
             "TensorFlow cell applies it before."});

}  // namespace
}  // namespace beamgrid::trainer
