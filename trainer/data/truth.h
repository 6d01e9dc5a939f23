#pragma once
// The true labels in record files, for `beamgrid score --truth`.

#include <filesystem>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/scoring/segments.h"

namespace beamgrid {

/// Reads the labels of all records by their ids, sorted, whatever the format (the video's labels,
/// not the segments'). A record without labels has an empty list. Throws Error, and DataError, also
/// for an id that occurs twice or is missing.
[[nodiscard]] Truth ReadTruthRecords(const std::vector<std::filesystem::path>& files);

/// Reads what the records' segments were rated (RecordDecoder::ReadSegments), by id VIDEO:START.
/// Ratings that start behind a video's last frame are left out. Throws UsageError (a file without
/// ratings), InputError (a segment that occurs twice) and DataError.
[[nodiscard]] SegmentTruth ReadSegmentTruth(const std::vector<std::filesystem::path>& files);

}  // namespace beamgrid
