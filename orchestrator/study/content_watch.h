#pragma once
// The seam to the files of a study's content: are they still what the fingerprints say?

#include <optional>
#include <string>

namespace beamgrid {

/// ContentWatch looks whether a study's files (data, plugins, scripts) are what they were when the
/// study's trials were made. Owned by the study's thread.
class ContentWatch {
 public:
  virtual ~ContentWatch() = default;
  /// Returns which file has another content by now, as a sentence with its path; nothing where all
  /// are as they were. Costs a look at each file; one that was touched is read.
  [[nodiscard]] virtual std::optional<std::string> Change() = 0;
  /// Returns a text that stands for the data files as they were found last: another one means that
  /// somebody touched them, or that they are others.
  [[nodiscard]] virtual std::string DataStamp() const = 0;
};

}  // namespace beamgrid
