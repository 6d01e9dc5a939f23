#pragma once
// One step of training, which is what a trial spends its time on and the benchmarks measure.

#include "trainer/training/input.h"
#include "trainer/training/model.h"
#include "trainer/training/optimiser.h"

namespace beamgrid::trainer {

/// Trains on one batch: forward, backward, the extras' work on the gradients, the optimiser. The
/// model must be in training mode. Returns the loss before the step, a scalar on the device,
/// detached.
torch::Tensor TrainStep(Model& model, Optimiser& optimiser, const DeviceBatch& batch,
                        double learning_rate);

}  // namespace beamgrid::trainer
