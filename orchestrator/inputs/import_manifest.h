#pragma once
// What `beamgrid data import` has written down of its records, beside them.

#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Returns what `data` says otherwise of its features than the manifest.json beside its files: a
/// line for each feature of each such folder, "..., clip = 16 of float16 in d/manifest.json".
/// 16-bit floats cannot be told from twice as many 8-bit codes by looking at them, so nobody else
/// would notice. Likewise a file that it lists and that is gone, of the splits of which `data`
/// names a file: a pattern matches fewer and says nothing. A manifest of somebody else, or one that
/// cannot be read, says nothing.
[[nodiscard]] std::vector<std::string> WhatManifestsSayOtherwise(const DataSpec& data);

}  // namespace beamgrid
