#include "trainer/components/temporal/recurrent_stack.h"

#include "trainer/ops.h"

namespace beamgrid::trainer {

LayerStack::LayerStack(const BuildContext& context, LayerOptions options, std::int64_t layers)
    : output_width_(options.output_width()), skip_connections_(context.skip_connections) {
  options.zoneout = ZoneoutOf(context);
  std::int64_t width = context.input_width;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    layers_.push_back(MakeLayer(width, options));
    register_module("layer" + std::to_string(layer), layers_.back()->module());
    adds_skip_connections_ |= skip_connections_ && width == output_width_;
    width = output_width_;
  }
}

StackOutput LayerStack::forward(const Sequence& input) {
  // Packed once for all layers: they run over the same frames.
  Packed packed = Pack(input);
  LayerOutput output{packed, {}, {}};
  for (const auto& layer : layers_) {
    output = layer->Run(packed);
    if (skip_connections_ && packed.data().size(-1) == output_width_) {
      output.states = WithData(packed, output.states.data() + packed.data());
    }
    packed = output.states;
  }
  return {Unpack(packed, input.frames.size(1)), output.memory, output.candidate_sum};
}

torch::Tensor PoolStates(const torch::Tensor& states, const torch::Tensor& mask,
                         const std::string& pool) {
  if (pool == kMeanPool) return MaskedMean(states, mask);
  if (pool == kMaxPool) return MaskedMax(states, mask);
  if (pool == kLastPool) return LastFrame(states, mask);
  const std::vector<torch::Tensor> directions = states.chunk(2, -1);
  // The backward direction ends at frame 0, which every video has.
  return torch::cat({LastFrame(directions[0], mask), directions[1].select(1, 0)}, -1);
}

void Describe(Fields& f, StackOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("pool", o.pool, Choices{{kLastPool, kMeanPool, kMaxPool}},
    "the top layer's state after the last frame, or the mean or maximum of its states");
}

void DescribePeepholes(Fields& f, bool& peepholes) {
  f("peepholes", peepholes,
    "input and forget gates see the memory before the step, the output gate the one after it, each "
    "cell its own (Zhao 2017's equations); slower on a GPU")
      .Tag("peep");
}

RecurrentTemporal::RecurrentTemporal(const BuildContext& context, const LayerOptions& options,
                                     std::int64_t layers, std::string pool)
    : pool_(std::move(pool)),
      stack_(register_module("stack", std::make_shared<LayerStack>(context, options, layers))) {}

torch::Tensor RecurrentTemporal::forward(const Sequence& input, const Targets& /*targets*/) {
  return PoolStates(stack_->forward(input).states, input.mask, pool_);
}

Sequence RecurrentTemporal::States(const Sequence& input, const Targets& /*targets*/) {
  return {stack_->forward(input).states, input.mask, input.lengths};
}

}  // namespace beamgrid::trainer
