#pragma once
// The step of an LSTM once its gates are computed: what the plain and the layer-normalised cell
// share when they run step by step.

#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {

/// The next state from the pre-activations [videos, hidden] of the gates, in LibTorch's order i, f,
/// g, o:
///   c' = normalise(sigmoid(f) c + sigmoid(i) dropout(tanh(g))),  h' = sigmoid(o) tanh(c')
/// The state is h, c and, with `sum_candidates`, the sum of tanh(g) so far.
template <typename Normalise>
[[nodiscard]] CellState NextLstmState(const std::vector<torch::Tensor>& gates,
                                      const CellState& previous, const LayerOptions& options,
                                      Mode mode, const Normalise& normalise) {
  const torch::Tensor candidate = gates[2].tanh();
  const torch::Tensor added =
      torch::dropout(candidate, options.candidate_dropout, mode == Mode::kTraining);
  const torch::Tensor memory =
      normalise(gates[1].sigmoid() * previous[1] + gates[0].sigmoid() * added);
  CellState next = {gates[3].sigmoid() * memory.tanh(), memory};
  if (options.sum_candidates) next.push_back(previous[2] + candidate);
  return next;
}

/// The widths of that state's tensors.
[[nodiscard]] inline std::vector<std::int64_t> LstmWidths(const LayerOptions& options) {
  return std::vector<std::int64_t>(options.sum_candidates ? 3 : 2, options.hidden);
}

/// The mode that a module is in.
[[nodiscard]] inline Mode ModeOf(const torch::nn::Module& module) {
  return module.is_training() ? Mode::kTraining : Mode::kEvaluation;
}

}  // namespace beamgrid::trainer
