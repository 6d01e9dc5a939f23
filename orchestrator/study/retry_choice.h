#pragma once
// `run --retry`: which trials that have failed for good are to be tried again. Pure.

#include <set>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// RetryChoice is the trials that were asked for, and what is to be said about it.
struct RetryChoice {
  std::set<TrialId> trials;
  std::vector<std::string> lines;  ///< for people, one for each word
};

/// Returns which of the study's trials the words mean: "failed" (all that have failed), a kind of
/// failure ("diverged"), or a trial that has (NAME, NAME/SEED or NAME#SEED, with STUDY/ before it
/// or without; or at least 4 digits of a fingerprint). Throws UsageError for a word that is none of
/// these.
[[nodiscard]] RetryChoice ChooseRetries(const std::vector<std::string>& words,
                                        const std::string& study,
                                        const std::vector<TrialRecord>& trials);

/// Returns the kind of the failure that TrialRecord::failure tells: its first word.
[[nodiscard]] std::string FailureWord(const TrialRecord& trial);

}  // namespace beamgrid
