#pragma once
// Trials of the record as people and scripts see them.

#include <boost/json.hpp>
#include <ostream>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// Decimals of a metric on the terminal.
inline constexpr int kMetricDigits = 5;

/// Returns one object of `trials --json`. What is not known yet is null.
[[nodiscard]] boost::json::object ListingJson(const TrialRecord& trial);

/// Returns which complete trials passed over records of their data, and how many; empty where none
/// did.
[[nodiscard]] std::string SkippedRemark(const std::vector<TrialRecord>& trials);

/// Prints one line per trial.
void PrintTrials(std::ostream& out, const std::vector<TrialRecord>& trials);

/// Prints the study's models by the mean of its objective over their complete seeds, best first.
void PrintLeaderboard(std::ostream& out, const Store& store, const StudyRecord& study);

}  // namespace beamgrid
