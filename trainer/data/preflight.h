#pragma once
// A quick look at the data before anything is started on them.

#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Decodes the first record of the first and last file of `train` and of `validate` and says what
/// is wrong, one text per problem ("FILE: byte 0: feature 'rgb' ..."); empty: nothing found. Never
/// throws for what the files hold. Throws Error where the machine cannot read at all.
[[nodiscard]] std::vector<std::string> CheckData(const DataSpec& data);

}  // namespace beamgrid
