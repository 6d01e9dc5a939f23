#pragma once
// Segments: examples whose id is VIDEO:START. Their ratings as truth, and the submission file of
// the YouTube-8M challenge of 2019.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "registry/scoring/predictions.h"

namespace beamgrid {

/// What people said of one segment. Sorted, none twice; `positive` is part of `rated`.
struct RatedSegment {
  std::vector<std::int32_t> positive, rated;
};
using SegmentTruth = std::map<std::string, RatedSegment>;  ///< by id

/// True if the id is that of a segment, VIDEO:START.
[[nodiscard]] bool IsSegmentId(std::string_view id);
/// Returns the VIDEO of a segment's id, which it is a part of.
[[nodiscard]] std::string_view VideoOfSegment(std::string_view id);

/// Whether all of them are segments (and there are any).
[[nodiscard]] bool AreSegments(const Predictions& predictions);

/// GAP and the rest over the segments of `truth`, their positive classes being their labels, and
/// MAP@100,000 over all predicted segments. InputError if a segment of the truth is missing, with
/// the count.
[[nodiscard]] Metrics ScoreSegments(const Predictions& predictions, const SegmentTruth& truth);
/// MAP@100,000 alone: a segment that is not predicted is ranked for no class.
[[nodiscard]] double SegmentMap(const Predictions& predictions, const SegmentTruth& truth);

/// Returns `Class,Segments`: a row for each class that is predicted anywhere, by class; its
/// segments by descending score, equal scores by id, at most `top` of them, without scores.
/// `classes`, sorted: no rows for others; empty: all.
[[nodiscard]] std::string SegmentsCsvText(const Predictions& predictions,
                                          const std::vector<std::int32_t>& classes = {},
                                          std::int64_t top = 100'000);

/// Such a file as predictions whose scores only say the order: the n-th segment of a class has 1/n.
/// Throws InputError with file and line, also for a class or, within one, a segment that is
/// repeated.
[[nodiscard]] Predictions ReadSegmentsCsv(const std::filesystem::path& path);
/// By its first line.
[[nodiscard]] bool IsSegmentsCsv(const std::filesystem::path& path);

}  // namespace beamgrid
