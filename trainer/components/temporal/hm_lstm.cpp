// Hierarchical multiscale LSTM (Chung et al. 2017, Hierarchical Multiscale Recurrent Neural
// Networks), two layers; Kim et al. 2018 cite it for their "Hierarchical RNN" and give no details.
// Layer l has a binary boundary z^l beside its state, z^0 = 1:
//   s^l = U h^l_(t-1) + z^l_(t-1) T h^(l+1)_(t-1) + z^(l-1)_t W h^(l-1)_t + b  -> f, i, o, g, a
//   UPDATE, if z^l_(t-1) = 0 and z^(l-1)_t = 1:  c = f c_(t-1) + i g,  h = o tanh(c)
//   COPY,   if both are 0:                        c = c_(t-1),          h = h_(t-1)
//   FLUSH,  if z^l_(t-1) = 1:                     c = i g,              h = o tanh(c)
//   z^l_t = 1 where hard_sigmoid(a) > 1/2, hard_sigmoid(a) = max(0, min(1, (slope a + 1) / 2))
// The top layer has no T. Boundaries are differentiated as if they were the hard sigmoid
// (straight-through), whose slope grows from 1 to 5 in training; values do not depend on it.
// [reading] The paper's equations choose between the three operations, and no gradient passes
// through a choice: here the result is the sum of theirs, weighted with the boundaries, so that
// gradients reach these; the top layer has a boundary of its own, as the equations have it, with
// which it flushes itself (top_boundary = false: never); the embedding is the top layer's last
// state; the paper raises the slope by 0.04 an epoch of text, here it grows linearly over a number
// of training steps.

#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct HmLstmOptions {
  std::int64_t hidden = 1024;
  std::string pool = kLastPool;
  bool top_boundary = true;
  double final_slope = 5;
  std::int64_t annealing_steps = 10'000;
};

void Describe(Fields& f, HmLstmOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of each of the two layers").Tag("h");
  f("pool", o.pool, Choices{{kLastPool, kMeanPool, kMaxPool}},
    "the top layer's state after the last frame, or the mean or maximum of its states");
  f("top_boundary", o.top_boundary,
    "the top layer finds boundaries too and forgets at them; else it never forgets all");
  f("final_slope", o.final_slope, Range{1, 100},
    "slope of the boundaries' gradient after the annealing, which begins at 1");
  f("annealing_steps", o.annealing_steps, Range{0, 1e9},
    "training steps over which the slope grows; 0: it does not begin at 1 but at its final value");
}

/// HmLstmLayer holds kernels and bias of a layer; rows f, i, o, g (hidden each) and the boundary's,
/// if it has one.
class HmLstmLayer : public torch::nn::Module {
 public:
  HmLstmLayer(std::int64_t from_below, std::int64_t recurrent, std::int64_t hidden,
              std::int64_t boundaries)
      : below(register_parameter("below", torch::empty({4 * hidden + boundaries, from_below}))),
        own(register_parameter("own", torch::empty({4 * hidden + boundaries, recurrent}))),
        bias(register_parameter("bias", torch::empty({4 * hidden + boundaries}))) {
    const torch::NoGradGuard no_gradient;
    const double limit = KernelLimit(from_below + recurrent - hidden, hidden, /*gates=*/4);
    for (const torch::Tensor& weight : {below, own}) weight.uniform_(-limit, limit);
    bias.zero_();
    bias.slice(0, 0, hidden).fill_(1);  // forget gate
  }

  torch::Tensor below, own;  ///< [rows, from_below], [rows, recurrent]: h, then the layer above's h
  torch::Tensor bias;        ///< [rows]
};

/// LayerState is what a layer hands to its next step.
struct LayerState {
  torch::Tensor hidden, memory, boundary;  ///< [videos, hidden], the same, [videos, 1]
};

class HmLstm : public Temporal {
 public:
  HmLstm(const BuildContext& context, const HmLstmOptions& options)
      : options_(options),
        bottom_(register_module(
            "bottom", std::make_shared<HmLstmLayer>(context.input_width, 2 * options.hidden,
                                                    options.hidden, 1))),
        top_(register_module(
            "top", std::make_shared<HmLstmLayer>(options.hidden, options.hidden, options.hidden,
                                                 options.top_boundary ? 1 : 0))),
        steps_(register_buffer("steps", torch::zeros({}, torch::kLong))) {}

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    return PoolStates(States(input, targets).frames, input.mask, options_.pool);
  }
  [[nodiscard]] std::int64_t output_width() const override { return options_.hidden; }

  Sequence States(const Sequence& input, const Targets& /*targets*/) override {
    const Packed packed = Pack(input);
    const torch::Tensor projected = LinearProduct(packed.data(), bottom_->below, bottom_->bias);
    const torch::Tensor slope = Slope(projected.options());
    const Step step = [&](const torch::Tensor& rows, const CellState& previous) {
      return Next(rows, previous, slope);
    };
    const std::int64_t h = options_.hidden;
    const LoopOutput output = RunLoop(packed, projected, {h, h, 1, h, h, 1}, Order::kForward, step);
    // A buffer, so that the slope of a resumed training goes on where it was.
    if (is_training()) steps_.add_(1);
    return {Unpack(WithData(packed, output.states), input.frames.size(1)), input.mask,
            input.lengths};
  }
  [[nodiscard]] std::int64_t states_width() const override { return options_.hidden; }

 private:
  [[nodiscard]] torch::Tensor Slope(const torch::TensorOptions& tensor_options) const {
    if (options_.annealing_steps == 0) return torch::full({}, options_.final_slope, tensor_options);
    const torch::Tensor share =
        steps_.to(tensor_options.dtype()) / static_cast<double>(options_.annealing_steps);
    return 1 + (options_.final_slope - 1) * share.clamp_max(1);
  }

  /// State: the top layer's, then the bottom layer's.
  [[nodiscard]] CellState Next(const torch::Tensor& projected, const CellState& previous,
                               const torch::Tensor& slope) const {
    const LayerState old_top{previous[0], previous[1], previous[2]};
    const LayerState old_bottom{previous[3], previous[4], previous[5]};
    const torch::Tensor seen_by_bottom =
        torch::cat({old_bottom.hidden, old_bottom.boundary * old_top.hidden}, 1);
    const LayerState bottom = Update(AddProduct(projected, seen_by_bottom, bottom_->own.t()),
                                     old_bottom, torch::ones_like(old_bottom.boundary), slope);
    const torch::Tensor from_below =
        LinearProduct(bottom.boundary * bottom.hidden, top_->below, top_->bias);
    const LayerState top = Update(AddProduct(from_below, old_top.hidden, top_->own.t()), old_top,
                                  bottom.boundary, slope);
    return {top.hidden, top.memory, top.boundary, bottom.hidden, bottom.memory, bottom.boundary};
  }

  /// `below`: the boundary of the layer below, now.
  [[nodiscard]] LayerState Update(const torch::Tensor& sums, const LayerState& old,
                                  const torch::Tensor& below, const torch::Tensor& slope) const {
    const std::int64_t gates = 4 * options_.hidden;
    const std::vector<torch::Tensor> parts = sums.slice(1, 0, gates).chunk(4, 1);
    const torch::Tensor added = parts[1].sigmoid() * parts[3].tanh();
    const torch::Tensor updated = parts[0].sigmoid() * old.memory + added;
    const torch::Tensor flush = old.boundary;
    const torch::Tensor update = (1 - flush) * below;
    const torch::Tensor copy = (1 - flush) * (1 - below);
    const torch::Tensor memory = flush * added + update * updated + copy * old.memory;
    const torch::Tensor shown = parts[2].sigmoid() * memory.tanh();
    const torch::Tensor hidden = (flush + update) * shown + copy * old.hidden;
    return {hidden, memory,
            sums.size(1) > gates ? Boundary(sums.slice(1, gates), slope) : old.boundary};
  }

  /// The step function with the hard sigmoid's gradient.
  [[nodiscard]] static torch::Tensor Boundary(const torch::Tensor& sums,
                                              const torch::Tensor& slope) {
    const torch::Tensor soft = ((slope * sums + 1) / 2).clamp(0, 1);
    // The value is the step function's, the gradient that of `soft`.
    return soft + ((soft > 0.5).to(soft.dtype()) - soft).detach();
  }

  HmLstmOptions options_;
  std::shared_ptr<HmLstmLayer> bottom_, top_;
  torch::Tensor steps_;  // [] training steps so far
};

REGISTER_COMPONENT(Temporal, "hm_lstm", HmLstm, HmLstmOptions,
                   {.label = "HMLSTM",
                    .source = "Chung et al. 2017, Hierarchical Multiscale Recurrent Neural "
                              "Networks; cited by Kim et al. 2018, section 4.2",
                    .help = "Reading of Kim et al.'s hierarchical RNN with learned boundaries: two "
                            "layers, the upper moves only where the lower finds a boundary. Step "
                            "by step, so much slower than hierarchical_lstm."});

}  // namespace
}  // namespace beamgrid::trainer
