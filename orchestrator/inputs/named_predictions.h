#pragma once
// What `predict --names` writes: VideoId,Label,Name,Confidence with a line for each label, which
// says what its numbers mean.

#include <string>

#include "registry/named_classes.h"
#include "registry/scoring/predictions.h"

namespace beamgrid {

/// NamedPredictions is such a file.
struct NamedPredictions {
  Predictions predictions;  ///< the longest list of a video is taken for what each may have
  NamedClasses classes;     ///< those that are predicted; the others have no name
};

/// True if the file begins as such a file does.
[[nodiscard]] bool IsNamedPredictions(const std::string& path);

/// Reads one. Throws InputError for other columns, and with the line for a label that is no class,
/// a confidence that is no finite number, a label that a video has twice and a number that has two
/// names.
[[nodiscard]] NamedPredictions ReadNamedPredictions(const std::string& path);

}  // namespace beamgrid
