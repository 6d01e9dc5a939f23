#include "trainer/components/temporal/layer_norm_lstm.h"

#include "trainer/components/temporal/lstm_state.h"

namespace beamgrid::trainer {
namespace {

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
        RunLoop(input, torch::linear(input.data(), cell_->weight_ih), LstmWidths(options_),
                Order::kForward, WithZoneout(step, options_.zoneout, mode));
    return {WithData(input, output.states), output.last[1],
            options_.sum_candidates ? output.last[2] : torch::Tensor()};
  }

  [[nodiscard]] std::shared_ptr<torch::nn::Module> module() const override { return cell_; }

 private:
  [[nodiscard]] CellState Next(const torch::Tensor& projected, const CellState& previous,
                               Mode mode) const {
    const torch::Tensor sums = torch::addmm(projected, previous[0], cell_->weight_hh.t());
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

}  // namespace

std::unique_ptr<RecurrentLayer> MakeLayerNormLstm(std::int64_t input_width,
                                                  const LayerOptions& options) {
  return std::make_unique<LayerNormLstm>(input_width, options);
}

}  // namespace beamgrid::trainer
