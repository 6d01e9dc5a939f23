#pragma once
// What the record says of a study while it runs: what is trained, what waits, how fast it goes, who
// leads. Sums are made by SQLite, so that a study of a hundred thousand trials takes no memory
// here.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/dashboard/target.h"
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
  std::string name;
  std::int64_t seed = 0, attempts = 0;
};

/// EndedFact is an attempt that ended.
struct EndedFact {
  std::string name;
  std::int64_t seed = 0;
  std::string outcome, device, ended_at, message;
  std::optional<double> objective;
};

/// RankedFact is a model by the mean of its complete seeds, as the view `leaderboard` has it.
struct RankedFact {
  std::int64_t place = 0;
  std::string name;
  std::optional<double> objective, lowest, highest;
  std::int64_t seeds = 0, trials = 0;  ///< complete ones, and all
  std::int64_t size_bytes = 0, parameters = 0;
};

/// Pace is how fast trials complete.
struct Pace {
  std::int64_t complete = 0;           ///< in the last hour
  double seconds = 0;                  ///< over which these were trained, an hour at most
  std::optional<double> mean_seconds;  ///< of a complete trial
  /// What the trials that wait will take, one after the other, by the complete seeds of the same
  /// model, else by all complete trials. Nothing where none is complete.
  std::optional<double> waiting_seconds;

  /// Returns the trials an hour; nothing where none completed.
  [[nodiscard]] std::optional<double> per_hour() const;
};

/// BestCurve is the curve of the best trial of the model that leads.
struct BestCurve {
  std::string name;
  std::int64_t seed = 0;
  std::vector<EpochFact> curve;
};

/// LiveStudy is what a view shows of a study, of the trials that its filter lets through.
struct LiveStudy {
  StudyRecord study;
  const Metric* objective = kMetrics;
  bool is_run = false;                        ///< by a process that lives
  std::map<TrialState, std::int64_t> counts;  ///< of trials that count
  std::vector<RunningFact> running;
  std::vector<WaitingFact> waiting;
  std::vector<EndedFact> ended;      ///< the latest first
  std::optional<RankedFact> leader;  ///< the best model, whatever the order of `ranked`
  std::vector<RankedFact> ranked;
  std::int64_t models = 0;  ///< on the leaderboard, of which `ranked` is one page
  std::optional<BestCurve> best;
  Pace pace;
  /// The most trials that the search asks for in all; nothing: it is not known.
  std::optional<std::int64_t> trials_most;

  [[nodiscard]] std::int64_t Count(TrialState state) const;
  [[nodiscard]] std::int64_t trials() const;
};

/// Eta is how long a study goes on.
struct Eta {
  double seconds = 0;
  bool has_later = false;  ///< what is not recorded yet is in it
};
/// Returns it from what running and waiting trials lack, over as many slots as are at work, and,
/// where the search may ask for more, from the mean of the complete ones. Nothing where nothing is
/// left, nothing was measured or the study is not run.
[[nodiscard]] std::optional<Eta> EtaOf(const LiveStudy& live);

/// Reads all but `is_run` and `trials_most`. `now`: seconds since 1970. Throws UsageError where the
/// study's objective is none that this program knows.
[[nodiscard]] LiveStudy ReadLiveStudy(const Store& store, const StudyRecord& study,
                                      const Target& target, double now);
/// Reads the same for a list of studies: counts, what runs, the pace and the best model.
[[nodiscard]] LiveStudy ReadStudyLine(const Store& store, const StudyRecord& study, double now);

/// Returns the trials of the study that the filter lets through.
[[nodiscard]] std::vector<TrialId> TrialsOf(const Store& store, const StudyRecord& study,
                                            const TrialFilter& filter);

}  // namespace beamgrid
