#pragma once
// What the record says of a study while it runs: what is trained, what waits, who leads. Sums are
// made by SQLite, so that a study of a hundred thousand trials takes no memory here.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/dashboard/target.h"
#include "orchestrator/study_snapshot.h"
#include "registry/store/store.h"

namespace beamgrid {

/// So many of what there are more of are told one by one.
inline constexpr std::size_t kRunningTold = 64;
inline constexpr std::size_t kWaitingTold = 10;
inline constexpr std::size_t kEndedTold = 10;
inline constexpr std::size_t kRankedTold = 50;

/// EpochFact is an epoch that has ended; what is not known is NaN.
struct EpochFact {
  std::int64_t epoch = 0;
  double train_loss = 0, objective = 0;
};

/// RunningFact is an attempt at work, if its study is alive.
struct RunningFact {
  std::int64_t trial = 0;  ///< its id, here and below
  std::string name;
  std::int64_t seed = 0;
  std::string device, begun_at;  ///< ISO-8601 UTC
  std::int64_t epochs = 0;       ///< that the trial is to have
  std::vector<EpochFact> curve;
  std::optional<double> best;  ///< of the objective
  /// By the epochs of this attempt, as the view `running` has them; early stopping makes it less.
  std::optional<double> seconds_per_epoch, seconds_left;

  [[nodiscard]] std::int64_t epoch() const { return curve.empty() ? 0 : curve.back().epoch; }
};

/// WaitingFact is a trial that is to be trained.
struct WaitingFact {
  std::int64_t trial = 0;
  std::string name;
  std::int64_t seed = 0, attempts = 0;
};

/// EndedFact is an attempt that ended.
struct EndedFact {
  std::int64_t trial = 0;
  std::string name;
  std::int64_t seed = 0;
  std::string outcome, device, ended_at, message;
  std::optional<double> objective;
};

/// RankedFact is a model by the mean of its complete seeds, as the view `leaderboard` has it.
struct RankedFact {
  std::int64_t place = 0;
  std::int64_t trial = 0;  ///< one of its complete seeds
  std::string name;
  std::optional<double> objective, lowest, highest;
  std::int64_t seeds = 0, trials = 0;  ///< complete ones, and all
  std::int64_t size_bytes = 0, parameters = 0;
};

/// BestCurve is the curve of the best trial of the model that leads.
struct BestCurve {
  std::int64_t trial = 0;
  std::string name;
  std::int64_t seed = 0;
  std::vector<EpochFact> curve;
};

/// LiveStudy is what a view shows of a study, of the trials that its filter lets through.
struct LiveStudy {
  StudyRecord study;
  const Metric* objective = kMetrics;
  StudySnapshot now;                          ///< of the whole study, as `watch` shows it
  std::map<TrialState, std::int64_t> counts;  ///< of trials that count
  bool is_part = false;                       ///< it is of some trials alone
  std::vector<RunningFact> running;
  std::vector<WaitingFact> waiting;
  std::vector<EndedFact> ended;      ///< the latest first
  std::optional<RankedFact> leader;  ///< the best model, whatever the order of `ranked`
  std::vector<RankedFact> ranked;
  std::int64_t models = 0;  ///< on the leaderboard, of which `ranked` is one page
  std::optional<BestCurve> best;

  [[nodiscard]] std::int64_t Count(TrialState state) const;
  [[nodiscard]] std::int64_t trials() const;
  /// Returns the trials that are still to be begun: those that wait and, of a whole study whose
  /// search says how many it will ask for in all, those that it has not asked for yet.
  [[nodiscard]] std::int64_t to_come() const;
};

/// Reads it. `running` is of the same database. Throws UsageError where the study's objective is
/// none that this program knows.
[[nodiscard]] LiveStudy ReadLiveStudy(const Store& store, const RunningStudies& running,
                                      const StudyRecord& study, const Target& target,
                                      std::chrono::system_clock::time_point now);
/// Reads of it what a list of studies shows: counts, what runs and the best model.
[[nodiscard]] LiveStudy ReadStudyLine(const Store& store, const RunningStudies& running,
                                      const StudyRecord& study,
                                      std::chrono::system_clock::time_point now);

/// Returns the trials of the study that the filter lets through.
[[nodiscard]] std::vector<TrialId> TrialsOf(const Store& store, const StudyRecord& study,
                                            const TrialFilter& filter);

}  // namespace beamgrid
