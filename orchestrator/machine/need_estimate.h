#pragma once
// What a model's sizes alone say of the memory and time that its training needs. Pure.

#include <cstdint>
#include <string>

#include "registry/model_spec.h"

namespace beamgrid {

/// NeedEstimate is memory = process + parameters x copies + activations, and the operations.
struct NeedEstimate {
  std::int64_t process_bytes = 0;    ///< a worker that trains almost nothing
  std::int64_t parameter_bytes = 0;  ///< of one copy of all parameters
  std::int64_t copies = 0;           ///< weights, gradients, moments, averages ...
  std::int64_t averages = 0;         ///< of the copies those that average others (ema, checkpoints)
  std::int64_t activation_bytes = 0;  ///< of one batch, forward and backward
  double operations = 0;              ///< of one example, in no particular unit

  [[nodiscard]] std::int64_t model_bytes() const {
    return parameter_bytes * copies + activation_bytes;
  }
};

/// Returns "cpu" or "cuda" of a device's name: "cuda:1", "cuda:0 NVIDIA H200".
[[nodiscard]] std::string DeviceKind(const std::string& device);

/// Estimates what a model of so many parameters needs on a device of that kind.
[[nodiscard]] NeedEstimate EstimateNeed(const ModelSpec& model, const DataSpec& data,
                                        std::int64_t parameters, const std::string& device_kind);

/// Returns what the copies are, for people: "weights, gradients, Adam's two moments, ...".
[[nodiscard]] std::string NameCopies(const ModelSpec& model);

}  // namespace beamgrid
