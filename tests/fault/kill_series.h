#pragma once
// kill -9 again and again, until the study is done in spite of it.

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "tests/fault/faulty_study.h"

namespace beamgrid {

struct KillReport {
  std::int64_t orchestrators = 0, workers = 0, both = 0;  ///< killed
  std::int64_t runs = 0;                                  ///< of `beamgrid run`
  [[nodiscard]] std::int64_t kills() const { return orchestrators + workers + both; }
  /// The most executions that may have been in vain, with two slots.
  [[nodiscard]] std::int64_t lost() const { return workers + 2 * (orchestrators + both); }
};

/// Runs the study, killing at random moments, until a run ends by itself with all trials complete.
/// Checks on the way that no trial is executed that the record calls complete.
[[nodiscard]] KillReport KillUntilDone(const FaultyStudy& study, std::mt19937_64& random);

/// The trials that the record calls complete, by fingerprint.
[[nodiscard]] std::set<std::string> CompleteTrials(const FaultyStudy& study);

}  // namespace beamgrid
