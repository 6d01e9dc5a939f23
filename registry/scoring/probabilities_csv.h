#pragma once
// Prediction files of others that are to be averaged: their lists must be what they say.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "registry/scoring/predictions.h"

namespace beamgrid {

/// The most labels that a video's list may have in a file of others: more than any vocabulary of
/// video datasets, few enough for the memory.
inline constexpr std::size_t kLongestList = 10'000;

/// Reads `VideoId,LabelConfidencePairs` as ReadPredictionsCsv does. Throws InputError with file and
/// line also for a confidence outside 0..1, a list that is not best first (equal confidences in any
/// order) and one that is longer than kLongestList.
[[nodiscard]] Predictions ReadProbabilitiesCsv(const std::filesystem::path& path);

/// Is given a video and its list, best first.
using TakeList =
    std::function<void(std::string_view id, const std::vector<ScoredLabelDouble>& list)>;

/// Reads such a file list by list, in the order of its lines. Throws as ReadProbabilitiesCsv and,
/// with the line, for a label that is none of so many classes. What `take` was given before counts
/// only if nothing was thrown: a video that is there twice is found at the end.
void ReadProbabilityLists(const std::filesystem::path& path, std::int64_t classes,
                          const TakeList& take);

}  // namespace beamgrid
