#pragma once
// What a running study looks like to people: a state that the runner keeps, lines that are made
// from it, and where they go.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// RunningTrial is one attempt at work, as the display shows it.
struct RunningTrial {
  std::string name;
  std::int64_t seed = 0;
  std::string device;
  std::int64_t epoch = 0, epochs = 0;
  std::int64_t examples = 0, total_examples = 0;
  std::int64_t resumed_examples = 0;  ///< of these: seen before this attempt, not in its time
  std::optional<double> loss;
  std::optional<double> latest;  ///< the objective of the last epoch that has ended
  std::int64_t latest_epoch = 0;
  std::optional<double> objective;  ///< of its best epoch so far
  std::int64_t best_epoch = 0;
  double examples_per_second = 0;
};

/// TrialLength is how long a running trial is expected to be.
struct TrialLength {
  double seconds = 0;  ///< of a whole training
  double until = 1;    ///< the share of it after which the trial pauses
};

/// WorkAhead is what is left to train, by what was measured.
struct WorkAhead {
  double waiting_seconds = 0;  ///< what the trials that wait lack
  double longest_seconds = 0;  ///< the most that one of these lacks
  double later_seconds = 0;    ///< of what the strategy may still ask for
  std::int64_t slots = 1;
  std::map<TrialId, TrialLength> running;
};

/// DeviceSlots is a device of the study.
struct DeviceSlots {
  std::string device;
  std::int64_t slots = 0;  ///< trials that may be at work there at once
};

/// LeadingModel is a model by the mean of its complete seeds.
struct LeadingModel {
  std::string name;
  double mean = 0;
  std::int64_t seeds = 0;
};

/// NextTrial is a trial that waits.
struct NextTrial {
  std::string name;
  std::int64_t seed = 0;
};
/// So many of them a display may show.
inline constexpr std::size_t kLeadersShown = 5, kNextShown = 3;

/// ProgressState is everything that the display shows. Kept by the runner, noted in the record
/// (run_note.h), read by displays.
struct ProgressState {
  std::string study;
  std::string objective = "gap";
  /// Trials in all, refused ones included, where the strategy knows.
  std::optional<std::int64_t> planned;
  std::int64_t complete = 0;  ///< trained in this run
  std::int64_t reused = 0;    ///< complete before this run, or in another study
  std::int64_t failed = 0, refused = 0;
  std::int64_t pruned = 0;   ///< let go by the search; told of a study that nobody runs
  std::int64_t waiting = 0;  ///< asked for and not at work
  std::int64_t queued = 0;   ///< of these: their attempts wait in a cluster's queue
  std::string queued_for;    ///< what for: "Slurm: other jobs come first"; may be empty
  std::string best_name;
  std::optional<double> best;
  std::vector<LeadingModel> leaders;  ///< the best first, kLeadersShown at most
  std::vector<NextTrial> next;        ///< of those that wait, in their order, kNextShown at most
  std::map<TrialId, RunningTrial> running;
  std::vector<DeviceSlots> devices;
  std::chrono::milliseconds elapsed{0};
  /// When the first worker had loaded its data and began: what came before says nothing of speed.
  std::chrono::milliseconds began_training{0};
  /// Since then: how long nothing trained, for all that was begun waited in a cluster's queue.
  std::chrono::milliseconds queued_time{0};
  double resumed_work = 0;  ///< of the complete trials: what earlier runs had done, in trials
  std::int64_t failed_before = 0;  ///< of the failed ones: those that cost this run no time
  /// When trials began to wait for what others use; nothing where none does.
  std::optional<std::chrono::milliseconds> waiting_since;
  /// Nothing where for some trial none of its components was measured yet or the strategy cannot
  /// say what it will ask for.
  std::optional<WorkAhead> ahead;
  bool stopping = false;  ///< interrupted: the running attempts write their checkpoints
  bool ended = false;     ///< nobody runs it now: this is how it stood, and no time is left
};

/// Returns the share of the trial that was done before this attempt.
[[nodiscard]] double ResumedShare(const RunningTrial& trial);

/// Returns the remaining time. Where models of the same components as all of them were measured,
/// from the forecast of what is ahead, over the slots; where others hold some of them, or jobs of a
/// cluster have not begun, over as many as work. Else from the share of the work that this run has
/// done so far (running trials count by their examples). Nothing where the number of trials is
/// unknown, and before enough was measured for it to mean something: a twentieth of a trial or, of
/// long trials, what a minute brings. Nothing either where it would be years, or where all wait in
/// a cluster's queue.
[[nodiscard]] std::optional<std::chrono::seconds> Eta(const ProgressState& state);

/// Returns "3 trials wait for Slurm: other jobs come first"; empty where none is in a queue.
[[nodiscard]] std::string QueueText(const ProgressState& state);

/// Returns the training examples a second of all trials at work.
[[nodiscard]] double ExamplesPerSecond(const ProgressState& state);

/// Returns the trials an hour that this run has completed since its first one began to train;
/// nothing before the first is complete.
[[nodiscard]] std::optional<double> TrialsPerHour(const ProgressState& state);

/// Colour says whether lines may hold terminal codes.
enum class Colour { kNo, kYes };

/// Returns what `run` and `watch` show: a line per running trial, in columns, then the devices and
/// the throughput, the best model, and last the totals. No line is wider than `width` characters
/// (what is least important goes first), and there are at most `height` lines: trials beyond that
/// are counted, not shown, and a third of the lines at most are not about trials. Where all this
/// leaves room, the leaderboard and what waits next stand between.
[[nodiscard]] std::vector<std::string> RenderProgress(const ProgressState& state, int width,
                                                      int height, Colour colour);

/// ProgressDisplay is where the runner's news go. Calls come from one thread.
class ProgressDisplay {
 public:
  virtual ~ProgressDisplay() = default;
  /// Shows one thing that happened, as a line for people ("MC-BLSTM-MoE2 seed 1: complete, gap
  /// 0.8421").
  virtual void Event(const std::string& line) = 0;
  /// Takes the state after one turn of the loop. Called often; a display redraws when it sees fit.
  virtual void Update(const ProgressState& state) = 0;
};

}  // namespace beamgrid
