#pragma once
// Batches on their way to the device: bytes become normalised float frames there, index lists
// become the label matrix there.

#include <torch/torch.h>

#include "trainer/component.h"
#include "trainer/data/batch.h"

namespace beamgrid::trainer {

/// DeviceBatch is a batch as the model takes it, on the device.
struct DeviceBatch {
  Sequence input;              ///< frames L2-normalised over the concatenated features, padding 0
  Targets targets;             ///< labels, and weights where not every cell weighs 1 (Batch)
  torch::Tensor teacher = {};  ///< [batch, classes] TeacherMatrix; undefined: there is no teacher
};

/// Moves a batch to `device`. Frames travel as bytes; only the device holds floats. Nothing in the
/// result refers to `batch`, which may be refilled at once.
[[nodiscard]] DeviceBatch ToDevice(const Batch& batch, std::int64_t classes, torch::Device device);

/// Turns codes [B,T,W] uint8 into frames [B,T,W] float: q * 4/255 + (4/512 - 2), then each valid
/// frame L2-normalised over all its features together, as YouTube-8M's starter code does. Padding
/// frames (mask [B,T] bool is false) are exactly 0 whatever their bytes.
[[nodiscard]] torch::Tensor DequantiseAndNormalise(const torch::Tensor& codes,
                                                   const torch::Tensor& mask);

}  // namespace beamgrid::trainer
