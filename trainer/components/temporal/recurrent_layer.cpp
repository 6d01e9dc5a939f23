#include "trainer/components/temporal/recurrent_layer.h"

#include <cmath>
#include <stdexcept>

#include "trainer/products.h"

namespace beamgrid::trainer {
namespace {

using torch::nn::GRU;
using torch::nn::LSTM;
using torch::nn::RNN;

// ---- Initial values -----------------------------------------------------------------------------

/// Parameters whose names begin with `prefix`, those of the backward direction included.
std::vector<torch::Tensor> Named(const torch::nn::Module& cell, const std::string& prefix) {
  std::vector<torch::Tensor> found;
  for (const auto& parameter : cell.named_parameters()) {
    if (parameter.key().rfind(prefix, 0) == 0) found.push_back(parameter.value());
  }
  return found;
}

/// Sets both bias vectors to 0, then rows [begin, end) of the first one to 1. Of the first only:
/// the two are added.
void InitialiseBiases(const torch::nn::Module& cell, std::int64_t begin, std::int64_t end) {
  for (const torch::Tensor& bias : Named(cell, "bias_")) bias.zero_();
  for (const torch::Tensor& bias : Named(cell, "bias_ih")) bias.slice(0, begin, end).fill_(1);
}

void Initialise(RNN& cell, std::int64_t inputs, std::int64_t hidden) {
  const double limit = KernelLimit(inputs, hidden, /*gates=*/1);
  for (const torch::Tensor& weight : Named(*cell, "weight_")) weight.uniform_(-limit, limit);
  InitialiseBiases(*cell, 0, 0);
}

void Initialise(LSTM& cell, std::int64_t inputs, std::int64_t hidden) {
  const double limit = KernelLimit(inputs, hidden, /*gates=*/4);
  for (const torch::Tensor& weight : Named(*cell, "weight_")) weight.uniform_(-limit, limit);
  InitialiseBiases(*cell, hidden, 2 * hidden);  // gate order: input, forget, candidate, output
}

void Initialise(GRU& cell, std::int64_t inputs, std::int64_t hidden) {
  const double gates = KernelLimit(inputs, hidden, /*gates=*/2);
  const double candidate = KernelLimit(inputs, hidden, /*gates=*/1);
  for (const torch::Tensor& weight : Named(*cell, "weight_")) {
    weight.slice(0, 0, 2 * hidden).uniform_(-gates, gates);
    weight.slice(0, 2 * hidden, 3 * hidden).uniform_(-candidate, candidate);
  }
  InitialiseBiases(*cell, 0, 2 * hidden);  // gate order: reset, update, candidate
}

// ---- Steps --------------------------------------------------------------------------------------

/// The peepholes of an LSTM's direction are a parameter of its module beside LibTorch's own:
/// [3, hidden], of the input, forget and output gates.
constexpr char kPeephole[] = "peephole";

std::string SuffixOf(Order order) { return order == Order::kForward ? "_l0" : "_l0_reverse"; }

/// Weights holds the parameters of one direction of a LibTorch cell.
struct Weights {
  torch::Tensor input, recurrent;            ///< [gates * hidden, inputs or hidden]
  torch::Tensor input_bias, recurrent_bias;  ///< [gates * hidden]
  torch::Tensor peephole;                    ///< [3, hidden], or undefined
};

Weights WeightsOf(const torch::nn::Module& cell, Order order) {
  const std::string suffix = SuffixOf(order);
  const auto parameters = cell.named_parameters();
  const torch::Tensor* peephole = parameters.find(kPeephole + suffix);
  return {parameters["weight_ih" + suffix], parameters["weight_hh" + suffix],
          parameters["bias_ih" + suffix], parameters["bias_hh" + suffix],
          peephole == nullptr ? torch::Tensor() : *peephole};
}

/// Projects all frames at once. Both biases belong to the sum that tanh or the gates see.
torch::Tensor Project(const Weights& weights, const torch::Tensor& frames) {
  return LinearProduct(frames, weights.input, weights.input_bias + weights.recurrent_bias);
}

Step TanhStep(const Weights& weights) {
  return [kernel = weights.recurrent.t()](const torch::Tensor& projected,
                                          const CellState& previous) -> CellState {
    return {AddProduct(projected, previous[0], kernel).tanh()};
  };
}

/// The next state from the pre-activations [videos, hidden] of the gates, in LibTorch's order i, f,
/// g, o:
///   c' = normalise(sigmoid(f) c + sigmoid(i) dropout(tanh(g))),  h' = sigmoid(o) tanh(c')
/// and with peepholes p_i o c, p_f o c and p_o o c' added to i, f and o. The state is h, c and,
/// with `sum_candidates`, the sum of tanh(g) so far.
template <typename Normalise>
CellState NextLstmState(std::vector<torch::Tensor> gates, const CellState& previous,
                        const LayerOptions& options, Mode mode, const Normalise& normalise,
                        const torch::Tensor& peephole = {}) {
  if (peephole.defined()) {
    gates[0] = gates[0] + peephole[0] * previous[1];
    gates[1] = gates[1] + peephole[1] * previous[1];
  }
  const torch::Tensor candidate = gates[2].tanh();
  const torch::Tensor added =
      torch::dropout(candidate, options.candidate_dropout, mode == Mode::kTraining);
  const torch::Tensor memory =
      normalise(gates[1].sigmoid() * previous[1] + gates[0].sigmoid() * added);
  if (peephole.defined()) gates[3] = gates[3] + peephole[2] * memory;
  CellState next = {gates[3].sigmoid() * memory.tanh(), memory};
  if (options.sum_candidates) next.push_back(previous[2] + candidate);
  return next;
}

/// The widths of that state's tensors.
std::vector<std::int64_t> LstmWidths(const LayerOptions& options) {
  return std::vector<std::int64_t>(options.sum_candidates ? 3 : 2, options.hidden);
}

/// The mode that a module is in.
Mode ModeOf(const torch::nn::Module& module) {
  return module.is_training() ? Mode::kTraining : Mode::kEvaluation;
}

Step LstmStep(const Weights& weights, const LayerOptions& options, Mode mode) {
  return [=, kernel = weights.recurrent.t()](const torch::Tensor& projected,
                                             const CellState& previous) {
    const torch::Tensor gates = AddProduct(projected, previous[0], kernel);
    return NextLstmState(
        gates.chunk(4, 1), previous, options, mode,
        [](const torch::Tensor& memory) { return memory; }, weights.peephole);
  };
}

/// (1 - z) n + z h with one product less.
CellState NextGruState(const torch::Tensor& update, const torch::Tensor& candidate,
                       const CellState& previous) {
  return {candidate + update * (previous[0] - candidate)};
}

// r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + d)), h' = (1 - z) n + z h
Step GruStep(const Weights& weights) {
  return [=](const torch::Tensor& projected, const CellState& previous) {
    const auto inputs = projected.chunk(3, 1);
    const auto recurrent =
        LinearProduct(previous[0], weights.recurrent, weights.recurrent_bias).chunk(3, 1);
    const torch::Tensor reset = (inputs[0] + recurrent[0]).sigmoid();
    const torch::Tensor update = (inputs[1] + recurrent[1]).sigmoid();
    return NextGruState(update, (inputs[2] + reset * recurrent[2]).tanh(), previous);
  };
}

// The same but n = tanh(W x + U (r h) + b + d).
Step ResetBeforeGruStep(const Weights& weights, std::int64_t hidden) {
  const std::vector<torch::Tensor> kernel =
      weights.recurrent.split_with_sizes({2 * hidden, hidden}, 0);
  return [=](const torch::Tensor& projected, const CellState& previous) {
    const auto inputs = projected.split_with_sizes({2 * hidden, hidden}, 1);
    const auto gates = AddProduct(inputs[0], previous[0], kernel[0].t()).sigmoid().chunk(2, 1);
    const torch::Tensor candidate =
        AddProduct(inputs[1], gates[0] * previous[0], kernel[1].t()).tanh();
    return NextGruState(gates[1], candidate, previous);
  };
}

/// Loop holds one direction's inputs, the widths of its state and its step.
struct Loop {
  torch::Tensor projected;
  std::vector<std::int64_t> widths;
  Step step;
};

Loop LoopOf(const LayerOptions& options, const Weights& weights, const torch::Tensor& frames,
            Mode mode) {
  const std::int64_t hidden = options.hidden;
  switch (options.cell) {
    case CellKind::kTanh:
      return {Project(weights, frames), {hidden}, TanhStep(weights)};
    case CellKind::kLstm:
      return {Project(weights, frames), LstmWidths(options), LstmStep(weights, options, mode)};
    case CellKind::kGru:
      // The recurrent bias stays in the step, where the reset gate acts on it.
      return {LinearProduct(frames, weights.input, weights.input_bias), {hidden}, GruStep(weights)};
    case CellKind::kResetBeforeGru:
      return {Project(weights, frames), {hidden}, ResetBeforeGruStep(weights, hidden)};
    case CellKind::kLayerNormLstm:
    case CellKind::kSru:
      break;
  }
  throw std::logic_error("this cell has no LibTorch parameters");
}

// ---- Layers of LibTorch's cells -----------------------------------------------------------------

// cuDNN's kernels stay fp32 in any arithmetic (products.h).

LayerOutput RunFused(LSTM& cell, const Packed& input) {
  const auto [states, last] = cell->forward_with_packed_input(input);
  return {states, std::get<1>(last).transpose(0, 1).flatten(1), {}};
}

template <typename Cell>
LayerOutput RunFused(Cell& cell, const Packed& input) {
  return {std::get<0>(cell->forward_with_packed_input(input)), {}, {}};
}

template <typename Cell>
class LibTorchLayer : public RecurrentLayer {
 public:
  LibTorchLayer(std::int64_t input_width, const LayerOptions& options)
      : options_(options),
        cell_(decltype(Cell::Impl::options)(input_width, options.hidden)
                  .batch_first(true)
                  .bidirectional(options.direction == Direction::kBoth)) {
    const torch::NoGradGuard no_gradient;
    Initialise(cell_, input_width, options.hidden);
    if (!options.peepholes) return;
    AddPeephole(Order::kForward);
    if (options.direction == Direction::kBoth) AddPeephole(Order::kBackward);
  }

  LayerOutput Run(const Packed& input) override {
    if (input.data().is_cuda() && !NeedsLoop()) return RunFused(cell_, input);
    const LoopOutput forward = RunDirection(input, Order::kForward);
    if (options_.direction == Direction::kForward) return Output(input, forward);
    const LoopOutput backward = RunDirection(input, Order::kBackward);
    LoopOutput both{torch::cat({forward.states, backward.states}, 1), {}};
    for (std::size_t i = 0; i < forward.last.size(); ++i) {
      both.last.push_back(torch::cat({forward.last[i], backward.last[i]}, 1));
    }
    return Output(input, both);
  }

  [[nodiscard]] std::shared_ptr<torch::nn::Module> module() const override { return cell_.ptr(); }

 private:
  void AddPeephole(Order order) {
    const torch::Tensor peephole =
        cell_->register_parameter(kPeephole + SuffixOf(order), torch::empty({3, options_.hidden}));
    const double limit = KernelLimit(options_.hidden, options_.hidden, /*gates=*/4);
    peephole.uniform_(-limit, limit);
  }

  /// True where cuDNN's kernel cannot do what is asked. On the CPU there is no such kernel:
  /// LibTorch's own loop slices the projected inputs at each step, the gradient of each slice is as
  /// large as all of them, and so training takes 2.6 times as long as with ours (150 frames;
  /// evaluation the same).
  [[nodiscard]] bool NeedsLoop() const {
    return options_.zoneout.on() || options_.candidate_dropout > 0 || options_.sum_candidates ||
           options_.peepholes || options_.cell == CellKind::kResetBeforeGru;
  }

  LoopOutput RunDirection(const Packed& input, Order order) {
    const Mode mode = ModeOf(*cell_);
    const Loop loop = LoopOf(options_, WeightsOf(*cell_, order), input.data(), mode);
    return RunLoop(input, loop.projected, loop.widths, order,
                   WithZoneout(loop.step, options_.zoneout, mode));
  }

  static LayerOutput Output(const Packed& input, const LoopOutput& output) {
    const auto last = [&](std::size_t i) {
      return i < output.last.size() ? output.last[i] : torch::Tensor();
    };
    return {WithData(input, output.states), last(1), last(2)};
  }

  LayerOptions options_;
  Cell cell_;
};

// ---- The layer-normalised LSTM ------------------------------------------------------------------

constexpr std::int64_t kGates = 4;
constexpr std::int64_t kForget = 1;  // order: input, forget, candidate, output

class LayerNormLstmCell : public torch::nn::Module {
 public:
  LayerNormLstmCell(std::int64_t input_width, std::int64_t hidden) {
    const auto parameter = [&](const char* name, std::vector<std::int64_t> sizes) {
      return register_parameter(name, torch::empty(sizes));
    };
    weight_ih = parameter("weight_ih", {kGates * hidden, input_width});
    weight_hh = parameter("weight_hh", {kGates * hidden, hidden});
    gate_scale = parameter("gate_scale", {kGates, hidden});
    gate_shift = parameter("gate_shift", {kGates, hidden});
    memory_scale = parameter("memory_scale", {hidden});
    memory_shift = parameter("memory_shift", {hidden});
    const torch::NoGradGuard no_gradient;
    const double limit = KernelLimit(input_width, hidden, kGates);
    for (const torch::Tensor& weight : {weight_ih, weight_hh}) weight.uniform_(-limit, limit);
    for (const torch::Tensor& scale : {gate_scale, memory_scale}) scale.fill_(1);
    for (const torch::Tensor& shift : {gate_shift, memory_shift}) shift.zero_();
    gate_shift.select(0, kForget).fill_(1);
  }

  torch::Tensor weight_ih, weight_hh;        ///< [4 * hidden, inputs], [4 * hidden, hidden]
  torch::Tensor gate_scale, gate_shift;      ///< [4, hidden]
  torch::Tensor memory_scale, memory_shift;  ///< [hidden]
};

/// LayerNormLstm is the layer-normalised LSTM of TensorFlow's LayerNormBasicLSTMCell (Ba et al.
/// 2016, Layer Normalization; used by Na et al. 2017, section 2.2.1):
///   i, f, g, o = LN(W x + U h), each gate normalised by itself, without a bias beside LN's own
///   c' = LN(sigmoid(f + 1) c + sigmoid(i) dropout(tanh(g))),  h' = sigmoid(o) tanh(c')
/// As in that cell, the normalised memory is also what the next step remembers, and dropout acts on
/// the candidate only. The 1 of the forget gate is the initial shift of its LN. 4 h (D + h) + 10 h
/// parameters. Forward only.
class LayerNormLstm : public RecurrentLayer {
 public:
  LayerNormLstm(std::int64_t input_width, const LayerOptions& options)
      : options_(options),
        cell_(std::make_shared<LayerNormLstmCell>(input_width, options.hidden)) {}

  LayerOutput Run(const Packed& input) override {
    const Mode mode = ModeOf(*cell_);
    const Step step = [this, mode](const torch::Tensor& projected, const CellState& previous) {
      return Next(projected, previous, mode);
    };
    const LoopOutput output =
        // Projected for all frames at once; the norm needs both sums and stays in the loop.
        RunLoop(input, LinearProduct(input.data(), cell_->weight_ih), LstmWidths(options_),
                Order::kForward, WithZoneout(step, options_.zoneout, mode));
    return {WithData(input, output.states), output.last[1],
            options_.sum_candidates ? output.last[2] : torch::Tensor()};
  }

  [[nodiscard]] std::shared_ptr<torch::nn::Module> module() const override { return cell_; }

 private:
  [[nodiscard]] CellState Next(const torch::Tensor& projected, const CellState& previous,
                               Mode mode) const {
    const torch::Tensor sums = AddProduct(projected, previous[0], cell_->weight_hh.t());
    const torch::Tensor gates =
        torch::layer_norm(sums.view({-1, kGates, options_.hidden}), {options_.hidden}) *
            cell_->gate_scale +
        cell_->gate_shift;
    return NextLstmState(gates.unbind(1), previous, options_, mode,
                         [this](const torch::Tensor& memory) {
                           return torch::layer_norm(memory, {options_.hidden}, cell_->memory_scale,
                                                    cell_->memory_shift);
                         });
  }

  LayerOptions options_;
  std::shared_ptr<LayerNormLstmCell> cell_;
};

// ---- The simple recurrent unit ------------------------------------------------------------------

class SruCell : public torch::nn::Module {
 public:
  SruCell(std::int64_t input_width, std::int64_t hidden) {
    // Where the input has another width than the state, a fourth part brings it to that of the
    // state for the highway.
    const std::int64_t parts = input_width == hidden ? 3 : 4;
    weight = register_parameter("weight", torch::empty({parts * hidden, input_width}));
    bias = register_parameter("bias", torch::empty({2 * hidden}));
    const torch::NoGradGuard no_gradient;
    const double limit = std::sqrt(6.0 / static_cast<double>(input_width + hidden));
    weight.uniform_(-limit, limit);
    bias.zero_();
  }

  torch::Tensor weight;  ///< [3 or 4 * hidden, inputs]: candidate, forget, reset, highway
  torch::Tensor bias;    ///< [2 * hidden]: forget, reset
};

/// Sru is the simple recurrent unit (Lei et al. 2017, Training RNNs as Fast as CNNs, first
/// version):
///   f, r = sigmoid(W x + b),  c' = f c + (1 - f) W x,  h = r tanh(c') + (1 - r) x
/// No gate sees the state: all products are made for all frames at once. Forward only.
class Sru : public RecurrentLayer {
 public:
  Sru(std::int64_t input_width, const LayerOptions& options)
      : options_(options), cell_(std::make_shared<SruCell>(input_width, options.hidden)) {}

  LayerOutput Run(const Packed& input) override {
    const std::int64_t hidden = options_.hidden;
    const auto parts = LinearProduct(input.data(), cell_->weight).split(hidden, 1);
    const torch::Tensor gates = (torch::cat({parts[1], parts[2]}, 1) + cell_->bias).sigmoid();
    const torch::Tensor forget = gates.narrow(1, 0, hidden),
                        reset = gates.narrow(1, hidden, hidden);
    const torch::Tensor highway = parts.size() == 4 ? parts[3] : input.data();
    const Step step = [](const torch::Tensor& projected, const CellState& previous) -> CellState {
      const auto now = projected.chunk(4, 1);  // forget, (1 - f) W x, reset, (1 - r) x
      const torch::Tensor memory = now[0] * previous[1] + now[1];
      return {now[2] * memory.tanh() + now[3], memory};
    };
    const torch::Tensor projected =
        torch::cat({forget, (1 - forget) * parts[0], reset, (1 - reset) * highway}, 1);
    const LoopOutput output = RunLoop(input, projected, {hidden, hidden}, Order::kForward,
                                      WithZoneout(step, options_.zoneout, ModeOf(*cell_)));
    return {WithData(input, output.states), output.last[1], {}};
  }

  [[nodiscard]] std::shared_ptr<torch::nn::Module> module() const override { return cell_; }

 private:
  LayerOptions options_;
  std::shared_ptr<SruCell> cell_;
};

}  // namespace

double KernelLimit(std::int64_t inputs, std::int64_t hidden, std::int64_t gates) {
  return std::sqrt(6.0 / static_cast<double>(inputs + hidden + gates * hidden));
}

std::unique_ptr<RecurrentLayer> MakeLayer(std::int64_t input_width, const LayerOptions& options) {
  switch (options.cell) {
    case CellKind::kTanh:
      return std::make_unique<LibTorchLayer<RNN>>(input_width, options);
    case CellKind::kLstm:
      return std::make_unique<LibTorchLayer<LSTM>>(input_width, options);
    case CellKind::kLayerNormLstm:
      return std::make_unique<LayerNormLstm>(input_width, options);
    case CellKind::kSru:
      return std::make_unique<Sru>(input_width, options);
    case CellKind::kGru:
    case CellKind::kResetBeforeGru:
      return std::make_unique<LibTorchLayer<GRU>>(input_width, options);
  }
  throw std::logic_error("unknown cell");
}

}  // namespace beamgrid::trainer
