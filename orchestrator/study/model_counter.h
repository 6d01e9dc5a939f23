#pragma once
// The seam to whoever can say how large a model is without training it.

#include <cstdint>
#include <string>
#include <variant>

#include "registry/model_spec.h"

namespace beamgrid {

/// ModelSize is the number of a model's parameters and the bytes that they take.
struct ModelSize {
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
};
/// CountAnswer is a size, or why the trainer refuses the model ("attention needs two features").
using CountAnswer = std::variant<ModelSize, std::string>;

/// ModelCounter counts a model's parameters without training it.
class ModelCounter {
 public:
  virtual ~ModelCounter() = default;
  /// Returns the size or the refusal. May block for seconds: the first question loads LibTorch.
  /// Throws Error where the trainer cannot be asked.
  virtual CountAnswer Count(const ModelSpec& model, const DataSpec& data) = 0;
  /// Returns why a trial of the model cannot begin with the weights of `start`, a trial of that
  /// fingerprint; empty where it can, and where only its worker can tell. Blocks and throws as
  /// Count.
  virtual std::string WhyNoStart(const ModelSpec& /*model*/, const DataSpec& /*data*/,
                                 const TrialSpec& /*start*/, const std::string& /*fingerprint*/) {
    return "";
  }
};

}  // namespace beamgrid
