#pragma once
// A study's models by the mean of its objective.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// Decimals of a metric that is no mean with its deviation.
inline constexpr int kMetricDigits = 5;

/// Standing is one model's complete seeds.
struct Standing {
  std::string name;
  std::vector<double> values;       ///< of the objective, one per complete seed, by seed
  std::vector<std::int64_t> seeds;  ///< of these
  std::vector<std::size_t> places;  ///< of their trials among those that were given
  std::int64_t trials = 0;          ///< begun, the complete ones among them
  std::int64_t size_bytes = 0, parameters = 0;

  [[nodiscard]] double mean() const;
};

/// SeedRange is from how many to how many seeds a study's recipe has each model get.
struct SeedRange {
  std::size_t least = 0, most = 0;
};

/// Leaderboard is the models with a complete trial, the best mean first, equal ones by name.
struct Leaderboard {
  const Metric* objective = kMetrics;
  std::vector<Standing> standings;
  std::optional<SeedRange> seeds;  ///< nothing: the recorded recipe does not say it
};

/// Makes it of the study's trials that count. Throws Error where a model and seed is there twice
/// (RequireOneTrialPerSeed).
[[nodiscard]] Leaderboard MakeLeaderboard(const StudyRecord& study,
                                          const std::vector<TrialRecord>& trials);

/// Returns what the column of seeds means where models race for further ones; else empty.
[[nodiscard]] std::string SeedsNote(const Leaderboard& leaderboard);

}  // namespace beamgrid
