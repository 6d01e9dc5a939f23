#pragma once
// One layer of recurrent cells over packed frames: on a GPU cuDNN's fused kernel where it can do
// what is asked, else the same cell step by step (cell_loop.h), which on a GPU costs time.

#include <memory>

#include "trainer/components/temporal/cell_loop.h"

namespace beamgrid::trainer {

/// CellKind says which cell a layer is made of.
enum class CellKind {
  kTanh,  ///< vanilla recurrent network
  kLstm,
  kLayerNormLstm,   ///< forward only, never fused
  kGru,             ///< reset gate after the recurrent product, as in cuDNN
  kResetBeforeGru,  ///< reset gate before it, never fused
  kSru,             ///< simple recurrent unit; forward only, never fused
};

/// Direction says whether a second cell reads the frames backwards beside the first.
enum class Direction { kForward, kBoth };

/// LayerOptions says what a layer is like.
struct LayerOptions {
  CellKind cell = CellKind::kLstm;
  std::int64_t hidden = 1024;
  Direction direction = Direction::kForward;
  double candidate_dropout = 0;  ///< LSTM cells: share of g_t dropped in training
  bool sum_candidates = false;   ///< LSTM cells, forward: fill LayerOutput::candidate_sum
  bool peepholes = false;        ///< LSTM cells without layer norm: gates see the memory
  ZoneoutOptions zoneout = kNoZoneout;

  /// The width of a state, both directions side by side.
  [[nodiscard]] std::int64_t output_width() const {
    return direction == Direction::kBoth ? 2 * hidden : hidden;
  }
};

/// LayerOutput is what a layer makes of a batch.
struct LayerOutput {
  Packed states;         ///< [rows, output width], both directions side by side
  torch::Tensor memory;  ///< [batch, output width] an LSTM's c after its last step, else undefined
  torch::Tensor candidate_sum;  ///< [batch, hidden] sum over t of g_t, if asked for
};

/// RecurrentLayer is one layer. Not a torch module itself: its cell is, so that parameters have the
/// cell's names.
class RecurrentLayer {
 public:
  virtual ~RecurrentLayer() = default;
  /// Runs over packed frames [rows, input width].
  virtual LayerOutput Run(const Packed& input) = 0;
  /// The module that owns the parameters; its training mode is the layer's.
  [[nodiscard]] virtual std::shared_ptr<torch::nn::Module> module() const = 0;
};

/// Makes a layer with Xavier-uniform kernels and biases as TensorFlow's cells have them: LSTM
/// forget gate 1, GRU reset and update gates 1, the rest 0. LibTorch has two bias vectors where
/// TensorFlow has one; the second starts at 0.
[[nodiscard]] std::unique_ptr<RecurrentLayer> MakeLayer(std::int64_t input_width,
                                                        const LayerOptions& options);

/// The limit of the Xavier-uniform distribution of a TensorFlow cell's kernel, which holds input
/// and recurrent weights of `gates` gates in one matrix: [inputs + hidden, gates * hidden].
[[nodiscard]] double KernelLimit(std::int64_t inputs, std::int64_t hidden, std::int64_t gates);

}  // namespace beamgrid::trainer
