#pragma once
// Record files and truth as they are named on a command line.

#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/scoring/segments.h"

namespace beamgrid {

/// Returns the record files of the names: each is a file, or a folder that stands for its
/// *.tfrecord files in order of name. Throws UsageError for a name that is not there and for a
/// folder without record files, InputError where MissingBeside says something.
[[nodiscard]] std::vector<std::filesystem::path> RecordFiles(const std::vector<std::string>& names);

/// Returns the same, whatever is missing.
[[nodiscard]] std::vector<std::filesystem::path> RecordFilesThere(
    const std::vector<std::string>& names);

/// Returns a line for each folder, named or of a named file, whose records are not those of a whole
/// dataset: its writing was stopped, or the manifest of an import lists a file that is gone (of
/// named files, of their splits).
[[nodiscard]] std::vector<std::string> MissingBeside(const std::vector<std::string>& names);

/// Reads the truth from one competition CSV (`VideoId,Labels`), or from record files.
[[nodiscard]] Truth ReadTruth(const std::vector<std::string>& names);
/// Begins ReadTruth on another core where there is one and the truth is a CSV file; else it is read
/// when it is asked for. What is wrong with it is thrown then, too.
[[nodiscard]] std::future<Truth> ReadTruthMeanwhile(const std::vector<std::string>& names);

/// Reads the ratings of the segments in record files; nothing where a CSV is named, which cannot
/// say what was rated and not shown.
[[nodiscard]] std::optional<SegmentTruth> ReadRatings(const std::vector<std::string>& names);

/// Reads the truth for these predictions: with record files, that of their segments where the
/// predictions are segments, else ReadTruth.
[[nodiscard]] Truth ReadTruthFor(const Predictions& predictions,
                                 const std::vector<std::string>& names);

/// Throws UsageError if there is no such file. What comes through a pipe is kept, so that it can be
/// read again (KeepPiped).
void RequireFile(const std::filesystem::path& path);

}  // namespace beamgrid
