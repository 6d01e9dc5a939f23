#pragma once
// What `beamgrid data import` has written down of its records, beside them.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Returns the first file that an import's manifest.json in the folder lists and that is gone, of
/// the splits of which `names` has a file, of all where there are none: "d/manifest.json lists
/// train-00001.tfrecord, which is not there: ..."; empty: none is, or nobody imported into it.
[[nodiscard]] std::string GoneFileOf(const std::filesystem::path& folder,
                                     const std::set<std::string>& names);

/// Returns what `data` says otherwise of its features than the manifest.json beside its files: a
/// line for each feature of each such folder, "..., clip = 16 of float16 in d/manifest.json".
/// 16-bit floats cannot be told from twice as many 8-bit codes by looking at them, so nobody else
/// would notice. Likewise GoneFileOf: a pattern matches fewer and says nothing. A manifest of
/// somebody else, or one that cannot be read, says nothing.
[[nodiscard]] std::vector<std::string> WhatManifestsSayOtherwise(const DataSpec& data);

}  // namespace beamgrid
