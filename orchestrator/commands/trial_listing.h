#pragma once
// Trials of the record as people and scripts see them.

#include <boost/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "reports/leaderboard.h"

namespace beamgrid {

/// Returns one object of `trials --json`. What is not known yet is null.
[[nodiscard]] boost::json::object ListingJson(const TrialRecord& trial);

/// Returns which complete trials passed over records of their data, and how many; empty where none
/// did.
[[nodiscard]] std::string SkippedRemark(const std::vector<TrialRecord>& trials);

/// Prints one line per trial; says which count where some do not. On a narrow terminal the metric
/// named `objective` stays longest.
void PrintTrials(std::ostream& out, const std::vector<TrialRecord>& trials,
                 const std::string& objective);

/// Prints the study's models by the mean of its objective over their complete seeds, best first.
/// Throws Error where a model and seed is there twice (RequireOneTrialPerSeed).
void PrintLeaderboard(std::ostream& out, const Store& store, const StudyRecord& study);

/// Returns the same as a list of {name, objective, seeds, trials, size_bytes}: `seeds` are
/// complete, of `trials` in all.
[[nodiscard]] boost::json::array LeaderboardJson(const Store& store, const StudyRecord& study);

}  // namespace beamgrid
