#pragma once
// How data were digested before they were read whole.

#include <string>

#include "registry/model_spec.h"

namespace beamgrid {

/// Returns the digest that an earlier version gave the files: of their names, sizes and the 64 KiB
/// at either end. A trial that holds it is of files with these ends; what is between them it cannot
/// say. Empty where a file cannot be read.
[[nodiscard]] std::string OlderDigest(const DataSpec& data);

}  // namespace beamgrid
