#pragma once
// A loop for cells that run step by step: on the CPU, and on a GPU for what cuDNN's fused recurrent
// kernels cannot do (zoneout, layer norm inside the cell, a candidate's sum, boundaries).
//
// Only the recurrent part is in the loop; inputs are projected for all frames at once. Frames are
// packed (LibTorch's PackedSequence: the first frames of all videos, longest video first, then the
// second frames ...), so padding is never seen and no step is wasted on it.

#include <functional>
#include <vector>

#include "trainer/component.h"

namespace beamgrid::trainer {

using Packed = torch::nn::utils::rnn::PackedSequence;

/// Packs the valid frames of a batch.
[[nodiscard]] Packed Pack(const Sequence& input);
/// Unpacks to [batch, frames, width], padding 0.
[[nodiscard]] torch::Tensor Unpack(const Packed& packed, std::int64_t frames);

/// The same videos and frames with other values, [rows, any].
[[nodiscard]] Packed WithData(const Packed& packed, const torch::Tensor& data);

/// CellState is what a cell remembers, one row a video. The first tensor is the hidden state, which
/// is also the cell's output; an LSTM's memory is the second.
using CellState = std::vector<torch::Tensor>;

/// Step makes one step for the videos that have this frame. `projected` holds their rows of the
/// projected inputs.
using Step = std::function<CellState(const torch::Tensor& projected, const CellState& previous)>;

/// Order says in which direction the frames are gone through.
enum class Order { kForward, kBackward };

/// LoopOutput is what a loop over all frames leaves behind.
struct LoopOutput {
  torch::Tensor states;  ///< [rows, width], packed as the input was
  CellState last;        ///< after each video's own last step, in the order of the batch
};

/// Runs `step` over all frames from a state of zeros with these widths. `projected` is [rows, any],
/// packed as `frames` is.
[[nodiscard]] LoopOutput RunLoop(const Packed& frames, const torch::Tensor& projected,
                                 const std::vector<std::int64_t>& widths, Order order,
                                 const Step& step);

/// ZoneoutOptions holds the probabilities with which a value stays as it was before the step. They
/// are the options of the extra, which itself does nothing: cells read them where they are built.
struct ZoneoutOptions {
  double rate = 0.1;     ///< of a hidden state
  double cell_rate = 0;  ///< of an LSTM's memory
  [[nodiscard]] bool on() const { return rate > 0 || cell_rate > 0; }
};
inline constexpr ZoneoutOptions kNoZoneout = {.rate = 0};

/// Lists the options (extras/zoneout.cpp).
void Describe(Fields& f, ZoneoutOptions& o);

/// The zoneout that the extra asks for, or none where it is off.
[[nodiscard]] ZoneoutOptions ZoneoutOf(const BuildContext& context);

/// Mode says whether zoneout and dropout draw or take the expectation.
enum class Mode { kTraining, kEvaluation };

/// `step` with zoneout (see extras/zoneout.cpp) of the first two tensors of its state.
[[nodiscard]] Step WithZoneout(const Step& step, const ZoneoutOptions& zoneout, Mode mode);

}  // namespace beamgrid::trainer
