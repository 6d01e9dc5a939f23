#pragma once
// Where the arrays of one feature come from: a file per video, a file of datasets, or a table.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/importing/array_form.h"

namespace beamgrid {

/// SourceArray is one video's array, of which only the header was read.
struct SourceArray {
  std::string id;  ///< of the video, as its name says it; nothing of it was checked
  ArrayForm form;
  std::uint64_t stamp = 0;  ///< equal as long as the file is not written to
};

/// ArraySource holds the arrays of one feature.
class ArraySource {
 public:
  virtual ~ArraySource() = default;
  /// Returns them in order of id.
  [[nodiscard]] const std::vector<SourceArray>& arrays() const { return arrays_; }
  /// Returns where an array stands, for messages: "rgb/a.npy", "rgb.h5:clips/a", "rgb.csv:17".
  [[nodiscard]] virtual std::string PlaceOf(std::size_t index) const = 0;
  /// Returns the values, frame by frame, as this machine has them in memory: Bytes() of the form.
  /// May be called from several threads. Throws InputError where the file is not what its header
  /// said, SystemError where it cannot be read.
  [[nodiscard]] virtual std::string Read(std::size_t index) const = 0;

 protected:
  std::vector<SourceArray> arrays_;
};

/// FeatureInput is what the user says of one feature: `rgb=frames/*.npz:fc7`.
struct FeatureInput {
  std::string name;
  std::string pattern;  ///< files: a pattern, or a folder of them
  std::string
      member;  ///< the array in an .npz, the group in an HDF5 file; empty: the only one, all
};

/// Reads "NAME=PATTERN[:MEMBER]". Throws UsageError.
[[nodiscard]] FeatureInput ParseFeatureInput(const std::string& text);

/// TableColumns says which columns of a table of vectors are none of their numbers.
struct TableColumns {
  std::string id;  ///< empty: the one that is called id or the like
  /// Those of the table of labels, which say what a video is: such a column in a table of vectors
  /// is refused, because models would be shown the answer.
  std::vector<std::string> labels;
};

/// Opens the files that an input names and reads their headers on so many threads: .npy, .npz,
/// .h5/.hdf5, .csv/.tsv (one vector per video; `columns` are of these). Throws
/// UsageError where nothing matches or kinds are mixed, InputError for what an array may not be,
/// SystemError for what cannot be read.
[[nodiscard]] std::unique_ptr<ArraySource> OpenArraySource(const FeatureInput& input,
                                                           const TableColumns& columns,
                                                           int threads);

}  // namespace beamgrid
