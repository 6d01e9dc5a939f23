#pragma once
// DataSpec::digest, which says what the data are, whatever folder they lie in.

#include <string>

#include "registry/model_spec.h"

namespace beamgrid {

/// XXH3-128 in hex over the files of `train` and of `validate`, each list sorted by base name:
/// base name, size, and XXH3-128 of the first and last 64 KiB. Folders and the order of the lists
/// do not count. Not the whole files, which are terabytes. Throws Error if a file cannot be read.
[[nodiscard]] std::string DataDigest(const DataSpec& data);

}  // namespace beamgrid
