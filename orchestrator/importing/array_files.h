#pragma once
// Arrays in NumPy's files, one file per video: .npy, and .npz with one array or one of a name.

#include <string>
#include <vector>

#include "orchestrator/importing/array_source.h"
#include "orchestrator/importing/npy_header.h"

namespace beamgrid {

/// ArrayFiles holds a file per video, whose id is the file's name without its ending.
class ArrayFiles : public ArraySource {
 public:
  /// `member`: the array in each .npz; empty: the only one there is.
  ArrayFiles(std::vector<std::string> paths, std::string member, int threads);

  [[nodiscard]] std::string PlaceOf(std::size_t index) const override { return paths_[index]; }
  [[nodiscard]] std::string Read(std::size_t index) const override;

 private:
  std::vector<std::string> paths_;  ///< of arrays_
  std::vector<NpyHeader> headers_;  ///< of arrays_
  std::string member_;
};

}  // namespace beamgrid
