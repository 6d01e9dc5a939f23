#pragma once
// Arrays in HDF5 files, one dataset per video.

#include <memory>
#include <string>
#include <vector>

#include "orchestrator/importing/array_source.h"

namespace beamgrid {

/// DatasetFiles holds the datasets of HDF5 files. A video's id is its dataset's name, in groups its
/// path below `group`. Links to other files are not followed, datasets whose values stand in other
/// files are refused, and no filter that is not part of the library is loaded.
class DatasetFiles : public ArraySource {
 public:
  /// `group`: the datasets below it; empty: all.
  DatasetFiles(std::vector<std::string> paths, std::string group);
  ~DatasetFiles() override;

  [[nodiscard]] std::string PlaceOf(std::size_t index) const override;
  [[nodiscard]] std::string Read(std::size_t index) const override;

 private:
  class File;
  struct Where {
    std::size_t file = 0;
    std::string dataset;  ///< its path in the file
  };
  std::vector<std::unique_ptr<File>> files_;
  std::vector<Where> places_;  ///< of arrays_
};

}  // namespace beamgrid
