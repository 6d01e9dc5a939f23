#pragma once
// Starting from the weights of another trial.

#include <functional>
#include <string>

#include "trainer/protocol/protocol.h"
#include "trainer/training/checkpoint.h"

namespace beamgrid::trainer {

/// Gives `weights` (a model's parameters and buffers) the values of another trial's model.pt, where
/// trial.spec.warm_start names one; else it does nothing. Every tensor of that file must be in the
/// model with the same shape; tensors that only the model has keep their initial values and are
/// named to `log`.
///
/// Throws SpecError where the two models do not agree (all differences at once), Error where the
/// file is gone, damaged or not the one that the record knows.
void StartFrom(const TrialFile& trial, const NamedTensors& weights,
               const std::function<void(const std::string&)>& log);

/// Specified is a model as its spec and its data's say.
struct Specified {
  const ModelSpec& model;
  const DataSpec& data;
};

/// Throws SpecError as StartFrom would where the weights of `start`, the trial of that fingerprint,
/// do not fit `model`. Both are built without memory; no file is looked at.
void RequireFit(const Specified& model, const Specified& start, const std::string& fingerprint);

}  // namespace beamgrid::trainer
