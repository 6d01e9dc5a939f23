#pragma once
// Batches on their way to the device: bytes become normalised float frames there, index lists
// become the label matrix there.

#include <torch/torch.h>

#include "trainer/component.h"
#include "trainer/data/batch.h"
#include "trainer/training/normalisation.h"

namespace beamgrid::trainer {

/// DeviceBatch is a batch as the model takes it, on the device.
struct DeviceBatch {
  Sequence input;              ///< frames normalised by data.normalise, padding 0
  Targets targets;             ///< labels, and weights where not every cell weighs 1 (Batch)
  torch::Tensor teacher = {};  ///< [batch, classes] TeacherMatrix; undefined: there is no teacher
};

/// Moves a batch to `device`. Codes travel as bytes; only the device holds their floats. Nothing in
/// the result refers to `batch`, which may be refilled at once.
[[nodiscard]] DeviceBatch ToDevice(const Batch& batch, std::int64_t classes, torch::Device device,
                                   const InputNormalisation& normalisation);

/// Turns codes [B,T,W] uint8 into floats: q * 4/255 + (4/512 - 2). Padding's bytes too.
[[nodiscard]] torch::Tensor Dequantised(const torch::Tensor& codes);

}  // namespace beamgrid::trainer
