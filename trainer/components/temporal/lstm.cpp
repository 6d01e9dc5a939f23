#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

struct LstmOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  std::string pool = kLastPool;
};

void Describe(Fields& f, LstmOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("pool", o.pool, Choices{{kLastPool, kMeanPool, kMaxPool}},
    "the top layer's state after the last frame, or the mean or maximum of its states");
}

class Lstm : public Temporal {
 public:
  Lstm(const BuildContext& context, const LstmOptions& options)
      : pool_(options.pool),
        stack_(register_module(
            "stack", std::make_shared<RecurrentStack<torch::nn::LSTM>>(
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
  std::shared_ptr<RecurrentStack<torch::nn::LSTM>> stack_;
};

REGISTER_COMPONENT(Temporal, "lstm", Lstm, LstmOptions,
                   {.label = "LSTM",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark, section 5; Na et al. 2017, section 2.2.1",
                    .help = "Long short-term memory over the valid frames; no peepholes, as in the "
                            "authors' code."});

}  // namespace
}  // namespace beamgrid::trainer
