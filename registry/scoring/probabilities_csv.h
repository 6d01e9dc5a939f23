#pragma once
// Prediction files of others that are to be averaged: their lists must be what they say.

#include <cstddef>
#include <filesystem>

#include "registry/scoring/predictions.h"

namespace beamgrid {

/// The most labels that a video's list may have in a file of others: more than any vocabulary of
/// video datasets, few enough for the memory.
inline constexpr std::size_t kLongestList = 10'000;

/// Reads `VideoId,LabelConfidencePairs` as ReadPredictionsCsv does. Throws InputError with file and
/// line also for a confidence outside 0..1, a list that is not best first (equal confidences in any
/// order) and one that is longer than kLongestList.
[[nodiscard]] Predictions ReadProbabilitiesCsv(const std::filesystem::path& path);

}  // namespace beamgrid
