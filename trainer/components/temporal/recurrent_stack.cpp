#include "trainer/components/temporal/recurrent_stack.h"

#include <cmath>

#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

/// Limit of the Xavier-uniform distribution of a TensorFlow cell's kernel, which holds input and
/// recurrent weights of `gates` gates in one matrix: [inputs + hidden, gates * hidden].
double KernelLimit(std::int64_t inputs, std::int64_t hidden, std::int64_t gates) {
  return std::sqrt(6.0 / static_cast<double>(inputs + hidden + gates * hidden));
}

/// Parameters whose names begin with `prefix`, those of the backward direction included.
std::vector<torch::Tensor> Named(const torch::nn::Module& cell, const std::string& prefix) {
  std::vector<torch::Tensor> found;
  for (const auto& parameter : cell.named_parameters()) {
    if (parameter.key().rfind(prefix, 0) == 0) found.push_back(parameter.value());
  }
  return found;
}

/// Both bias vectors 0, then rows [begin, end) of the first one 1.
void InitialiseBiases(const torch::nn::Module& cell, std::int64_t begin, std::int64_t end) {
  for (const torch::Tensor& bias : Named(cell, "bias_")) bias.zero_();
  for (const torch::Tensor& bias : Named(cell, "bias_ih")) bias.slice(0, begin, end).fill_(1);
}

}  // namespace

void InitialiseCell(torch::nn::LSTM& cell) {
  const torch::NoGradGuard no_gradient;
  const std::int64_t hidden = cell->options.hidden_size();
  const double limit = KernelLimit(cell->options.input_size(), hidden, /*gates=*/4);
  for (const torch::Tensor& weight : Named(*cell, "weight_")) weight.uniform_(-limit, limit);
  InitialiseBiases(*cell, hidden, 2 * hidden);  // gate order: input, forget, candidate, output
}

void InitialiseCell(torch::nn::GRU& cell) {
  const torch::NoGradGuard no_gradient;
  const std::int64_t inputs = cell->options.input_size();
  const std::int64_t hidden = cell->options.hidden_size();
  const double gates = KernelLimit(inputs, hidden, /*gates=*/2);
  const double candidate = KernelLimit(inputs, hidden, /*gates=*/1);
  for (const torch::Tensor& weight : Named(*cell, "weight_")) {
    weight.slice(0, 0, 2 * hidden).uniform_(-gates, gates);
    weight.slice(0, 2 * hidden, 3 * hidden).uniform_(-candidate, candidate);
  }
  InitialiseBiases(*cell, 0, 2 * hidden);  // gate order: reset, update, candidate
}

torch::Tensor PoolStates(const torch::Tensor& states, const torch::Tensor& mask,
                         const std::string& pool) {
  if (pool == kMeanPool) return MaskedMean(states, mask);
  if (pool == kMaxPool) return MaskedMax(states, mask);
  return LastFrame(states, mask);
}

}  // namespace beamgrid::trainer
