#pragma once
// safetensors, the format in which Python loads weights without running anything:
//   8 bytes: length of the header, uint64 little-endian
//   header:  JSON {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}},
//            filled up with spaces to a multiple of 8
//   bytes of the tensors, little-endian, row by row, without gaps; offsets count from here

#include <filesystem>
#include <map>
#include <string>

#include "trainer/training/checkpoint.h"

namespace beamgrid::trainer {

/// Writes the tensors, the widest types first so that every tensor is aligned, equal ones by name.
/// Throws Error where the disk refuses, and std::logic_error for a type that the format has not or
/// a name that is there twice. The file is not there whole before this returns.
void WriteSafetensors(const std::filesystem::path& path, NamedTensors tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace beamgrid::trainer
