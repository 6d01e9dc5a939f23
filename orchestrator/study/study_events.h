#pragma once
// What happens in a running study, told to people.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/scheduler.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// StudyResult is how a run of a study ended.
struct StudyResult {
  StudyId study{};
  std::int64_t complete = 0;  ///< trained in this run
  std::int64_t reused = 0;    ///< were complete already
  std::int64_t failed = 0;    ///< failed for good
  std::int64_t refused = 0;   ///< never started: too large, or refused by the trainer
  std::int64_t attempts = 0;  ///< attempts started in this run
  bool interrupted = false;
  /// The reason of an early stop: bad data with on_error = "stop" (file, offset, fix), or a fault
  /// of the machine. Empty where there was none.
  std::string stopped_because;
  std::vector<std::string> failures;   ///< "NAME seed S: kind: message", one for each failed trial
  std::vector<std::string> decisions;  ///< the strategy's, for people
  int exit_code = 0;  ///< 0; 1: trials failed for good or stopped; 130: interrupted
};

/// StudyEvents keeps the progress state and the result's counts and words each event as a line. Not
/// thread-safe; owned by the study's thread.
class StudyEvents {
 public:
  StudyEvents(const Recipe& recipe, ProgressDisplay& display);

  void OnReused(const TrialLabel& label, const TrialResult& result);
  void OnRefused(const TrialLabel& label, const std::string& why);
  void OnFailedBefore(const TrialLabel& label, const std::string& failure);
  /// `mistrusted`: why what the attempt left is not used; empty where it is.
  void OnAbandoned(const TrialLabel& label, const AttemptOutcome& outcome,
                   const std::string& mistrusted);
  /// StartedAttempt is what is told of an attempt that starts.
  struct StartedAttempt {
    std::int64_t number = 1;  ///< from 1
    bool resumes = false;     ///< it goes on from a checkpoint
    bool queued = false;      ///< it waits in a cluster's queue until OnBegun
  };
  void OnStarted(TrialId trial, const TrialLabel& label, const Slot& slot,
                 const StartedAttempt& attempt);
  /// A queued attempt is at work; harmless for any other.
  void OnBegun(TrialId trial, const std::string& where);
  /// An attempt that a dead orchestrator began goes on in this run.
  void OnAdopted(TrialId trial, const TrialLabel& label, const Slot& slot);
  void OnMessage(TrialId trial, const Message& message);
  void OnComplete(TrialId trial, const TrialLabel& label, const TrialResult& result);
  void OnRetry(TrialId trial, const TrialLabel& label, const AttemptFailure& failure);
  void OnFailed(TrialId trial, const TrialLabel& label, const AttemptFailure& failure);
  /// It waits, measured, for the strategy to let it go on or not.
  void OnPaused(TrialId trial, const TrialLabel& label, std::int64_t epoch);
  void OnInterrupted(TrialId trial, const TrialLabel& label);
  void OnStopping(const std::string& why);
  /// Says that a trial waits because others use the device. Each text is said once, and another one
  /// where others have come to use it; while no trial starts there, ever more rarely also for how
  /// long it has waited.
  void OnDeviceInUse(const std::string& device, const std::string& why,
                     std::chrono::milliseconds elapsed);
  /// Hands the state to the display; called once a turn of the loop.
  void Show(std::int64_t waiting, std::chrono::milliseconds elapsed,
            std::optional<WorkAhead> ahead = std::nullopt);

  /// Sets the number of trials in all, as the strategy sees it at the moment.
  void SetPlanned(std::optional<std::int64_t> trials) {
    news_ |= state_.planned != trials;
    state_.planned = trials;
  }
  void SetSlots(const std::vector<Slot>& slots);
  /// Sets what queued attempts wait for.
  void SetQueuedFor(std::string what);
  /// Returns the state as it is now.
  [[nodiscard]] const ProgressState& StateAt(std::int64_t waiting,
                                             std::chrono::milliseconds elapsed,
                                             std::optional<WorkAhead> ahead);
  /// Returns whether anything but the progress within epochs happened since the last TakeNews.
  [[nodiscard]] bool has_news() const { return news_; }
  bool TakeNews() { return std::exchange(news_, false); }
  /// Takes the trials that wait first.
  void SetNext(std::vector<NextTrial> next) { state_.next = std::move(next); }
  [[nodiscard]] StudyResult& result() { return result_; }

 private:
  void StartedLine(const RunningTrial& trial, const std::string& where,
                   const StartedAttempt& attempt);
  /// Forgets an attempt that is at work or queued no more.
  void Forget(TrialId trial);
  void NoteBest(const std::string& name, const TrialResult& result);
  void NoteLeaders(const std::string& name, double value);
  void CountFailure(const TrialLabel& label, const std::string& failure);

  const Metric* objective_;
  ProgressDisplay& display_;
  ProgressState state_;
  /// Queued is a trial whose attempt waits in a cluster's queue.
  struct Queued {
    RunningTrial trial;
    StartedAttempt attempt;
  };
  std::map<TrialId, Queued> queued_;
  std::map<std::string, LeadingModel> models_;             ///< with a complete seed, by name
  std::set<std::pair<double, std::string>> models_order_;  ///< minus the mean, name
  bool training_ = false;                                  ///< a worker has begun to train
  bool news_ = false;                                      ///< see TakeNews
  StudyResult result_;
  /// Wait is since when trials wait for a device, and when that is said next.
  struct Wait {
    std::chrono::milliseconds since, reminder;
  };
  std::set<std::string> in_use_;       ///< what OnDeviceInUse has said
  std::map<std::string, Wait> waits_;  ///< by device
};

}  // namespace beamgrid
