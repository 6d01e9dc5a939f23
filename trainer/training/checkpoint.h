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

/// The same with `prefix` before every name.
[[nodiscard]] NamedTensors WithPrefix(std::string_view prefix, const NamedTensors& tensors);

/// Writes under a temporary name, fsyncs, renames, fsyncs the folder; streams, so that no second
/// copy of the tensors is made. Throws Error (disk full, not writable).
void WriteCheckpoint(const std::filesystem::path& path, const boost::json::object& meta,
                     const NamedTensors& tensors);

/// A whole, undamaged checkpoint, open for reading.
class CheckpointReader {
 public:
  /// Reads the file once to check its hash. Throws Error with the path and what is wrong.
  explicit CheckpointReader(const std::filesystem::path& path);

  [[nodiscard]] const boost::json::object& meta() const { return file_.meta(); }

  /// Fills each target in place, on whatever device it is. Throws Error where the checkpoint has no
  /// tensor of that name, type and shape.
  void ReadInto(const NamedTensors& targets);

 private:
  std::string path_;
  CheckpointFile file_;
};

}  // namespace beamgrid::trainer
