#pragma once
// One layer of recurrent cells over packed frames: on a GPU cuDNN's fused kernel where it can do
// what is asked, else the same cell step by step (cell_loop.h), which on a GPU costs time.

#include <memory>

#include "trainer/components/temporal/cell_loop.h"

namespace beamgrid::trainer {

enum class CellKind {
  kTanh,
  kLstm,
  kLayerNormLstm,   ///< forward only, never fused
  kGru,             ///< reset gate after the recurrent product, as in cuDNN
  kResetBeforeGru,  ///< reset gate before it, never fused
};

enum class Direction { kForward, kBoth };

struct LayerOptions {
  CellKind cell = CellKind::kLstm;
  std::int64_t hidden = 1024;
  Direction direction = Direction::kForward;
  double candidate_dropout = 0;  ///< LSTM cells: share of g_t dropped in training
  bool sum_candidates = false;   ///< LSTM cells, forward: fill LayerOutput::candidate_sum
  Zoneout zoneout = {};

  [[nodiscard]] std::int64_t output_width() const {
    return direction == Direction::kBoth ? 2 * hidden : hidden;
  }
};

struct LayerOutput {
  Packed states;                ///< [rows, output width], both directions side by side
  torch::Tensor memory;         ///< [batch, output width] an LSTM's c after its last step
  torch::Tensor candidate_sum;  ///< [batch, hidden] sum over t of g_t, if asked for
};

class RecurrentLayer {
 public:
  virtual ~RecurrentLayer() = default;
  virtual LayerOutput Run(const Packed& input) = 0;
  /// Owns the parameters; its training mode is the layer's.
  [[nodiscard]] virtual std::shared_ptr<torch::nn::Module> module() const = 0;
};

/// Xavier-uniform kernels and biases as TensorFlow's cells have them: LSTM forget gate 1, GRU reset
/// and update gates 1, the rest 0. LibTorch has two bias vectors where TensorFlow has one; the
/// second starts at 0.
[[nodiscard]] std::unique_ptr<RecurrentLayer> MakeLayer(std::int64_t input_width,
                                                        const LayerOptions& options);

/// Limit of the Xavier-uniform distribution of a TensorFlow cell's kernel, which holds input and
/// recurrent weights of `gates` gates in one matrix: [inputs + hidden, gates * hidden].
[[nodiscard]] double KernelLimit(std::int64_t inputs, std::int64_t hidden, std::int64_t gates);

}  // namespace beamgrid::trainer
