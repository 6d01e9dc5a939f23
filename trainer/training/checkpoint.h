#pragma once
// Tensors and a JSON object in one file that is either whole or recognised as damaged.
//
// Layout: 8 bytes "BGCKPT1\n" | uint64 little-endian length of the header | header, JSON
// {"meta", "tensors": [{"name", "type", "shape", "offset", "bytes"}]} | the tensors' bytes, offsets
// from the end of the header | XXH3-128 of everything before, 32 hex digits.

#include <torch/torch.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainer/training/checkpoint_file.h"

namespace beamgrid::trainer {

/// Tensors by name, in a fixed order.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// The module's own parameters and persistent buffers, to be read or to be copied into.
[[nodiscard]] NamedTensors TensorsOf(const torch::nn::Module& module);

/// The same tensors with `prefix` before every name.
[[nodiscard]] NamedTensors WithPrefix(std::string_view prefix, const NamedTensors& tensors);

/// Writes a checkpoint that appears whole or not at all, also through a power cut: under a
/// temporary name, fsync, rename, fsync of the folder. Tensors are written one after the other; one
/// that is on a GPU is copied to the CPU for it. Throws Error (disk full, not writable).
void WriteCheckpoint(const std::filesystem::path& path, const boost::json::object& meta,
                     const NamedTensors& tensors);

/// CheckpointReader is a whole, undamaged checkpoint, open for reading.
class CheckpointReader {
 public:
  /// Reads the file once to check its hash. Throws Error with the path and what is wrong.
  explicit CheckpointReader(const std::filesystem::path& path);

  /// The JSON object that WriteCheckpoint was given.
  [[nodiscard]] const boost::json::object& meta() const { return file_.meta(); }

  /// Fills each target in place, on whatever device it is; tensors that are not asked for are left
  /// alone. Throws Error where the checkpoint has no tensor of that name, type and shape, after the
  /// targets before it were filled.
  void ReadInto(const NamedTensors& targets);

 private:
  std::string path_;
  CheckpointFile file_;
};

}  // namespace beamgrid::trainer
