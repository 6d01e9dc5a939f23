#pragma once
// Record files and truth as they are named on a command line.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/scoring/segments.h"

namespace beamgrid {

/// Each name is a file, or a folder that stands for its *.tfrecord files in order of name.
/// UsageError for a name that is not there and for a folder without record files.
[[nodiscard]] std::vector<std::filesystem::path> RecordFiles(const std::vector<std::string>& names);

/// The truth from one competition CSV (`VideoId,Labels`), or from record files.
[[nodiscard]] Truth ReadTruth(const std::vector<std::string>& names);

/// The ratings of the segments in record files; nothing where a CSV is named, which cannot say what
/// was rated and not shown.
[[nodiscard]] std::optional<SegmentTruth> ReadRatings(const std::vector<std::string>& names);

/// The truth for these predictions: with record files, that of their segments where the predictions
/// are segments, else ReadTruth.
[[nodiscard]] Truth ReadTruthFor(const Predictions& predictions,
                                 const std::vector<std::string>& names);

/// UsageError if there is no such file.
void RequireFile(const std::filesystem::path& path);

}  // namespace beamgrid
