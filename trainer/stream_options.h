#pragma once
// Options of its own for a stream's temporal component.

#include "registry/model_spec.h"

namespace beamgrid::trainer {

/// StreamOptions is what a multimodal component of several streams implements beside Multimodal
/// where their temporal components may differ in their options.
class StreamOptions {
 public:
  virtual ~StreamOptions() = default;
  /// The options in which the temporal component of a stream differs from the recipe's, unchecked.
  [[nodiscard]] virtual Options OptionsOfStream(std::size_t stream) const = 0;
};

}  // namespace beamgrid::trainer
