#pragma once
// How a StudyRunner carries a study out; see there. The members lie in three files, by subject.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/study/abandoned_attempts.h"
#include "orchestrator/study/after_commit.h"
#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/study/running_attempts.h"
#include "orchestrator/study/study_events.h"
#include "orchestrator/study/study_runner.h"
#include "orchestrator/study/trial_intake.h"

namespace beamgrid {

class StudyLoop {
 public:
  StudyLoop(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
            RunnerSettings settings, RunnerParts parts);
  StudyResult Run();
  void Interrupt();

 private:
  /// A trial that waits or runs, and who wants it.
  struct ActiveTrial {
    TrialLabel label;
    std::string fingerprint;
    ModelSpec model;
    std::string start;
    std::int64_t parameters = 0;
    TrialNeeds needs;
    std::int64_t attempts = 0;
    std::vector<SeedSlot> wanted_by;
    std::optional<AttemptKey> running;
  };

  // ---- Start, turns and end: study_loop.cpp -----------------------------------------------------

  /// Each turn: heed Ctrl-C, keep the slots filled, take in what happened.
  StudyResult CarryOut();
  void Open();
  [[nodiscard]] bool Done() const;
  StudyResult Finish();

  // ---- Trials come in: study_trials.cpp ---------------------------------------------------------

  void AskForTrials();
  void Enter(WantedTrial trial);
  void UseEnded(const TrialLabel& label, const TrialRecord& record,
                const std::vector<SeedSlot>& wanted_by);
  /// `twin`: what the record says of the trial, nothing if it is new there.
  void Schedule(TrialId trial, const std::optional<TrialRecord>& twin);
  [[nodiscard]] SeedResult ResultOf(const TrialResult& result) const;

  // ---- Attempts of a dead orchestrator, trials of a living one: study_trials.cpp ----------------

  void CloseAbandoned(const std::function<bool(TrialId)>& ours);
  void LookAtOtherStudies();
  void LookAtForeignTrials();
  void UseForeign(TrialId trial, const TrialRecord& record);
  /// While the trial waited for a slot, another study's orchestrator took it.
  void GiveToOther(TrialId trial, const TrialRecord& now);

  // ---- Commands and events: study_attempts.cpp --------------------------------------------------

  void Execute(const std::vector<Command>& commands);
  void Start(TrialId trial, const Slot& slot);
  void Handle(const ExecutorEvent& event);
  void EndAttempt(const AttemptKey& key, const AttemptOutcome& outcome);
  void EndTrial(TrialId trial, const AttemptOutcome& outcome);
  /// Forecasts that were made before anything was measured cannot be compared with later ones, so
  /// the waiting are forecast again; ever more rarely, for later measurements change less.
  void Learn(const ModelSpec& model, const TrialResult& result);
  [[nodiscard]] bool StopsStudy(const AttemptOutcome& outcome) const;

  // ---- Interrupts and errors: study_loop.cpp ----------------------------------------------------

  void HeedInterrupts();
  void Stop(const std::string& why);
  /// The record can no longer be written. What the workers leave in their directories is what the
  /// next run goes on from.
  void EndWorkers(const std::string& why);

  void Note(const TrialLabel& label, const std::string& text);
  /// No waiting while there is something to ask.
  [[nodiscard]] std::chrono::milliseconds Wait() const;

  const Recipe& recipe_;
  RunnerSettings settings_;
  std::function<std::chrono::milliseconds()> clock_;
  Store& store_;
  Executor& executor_;
  RunningAttempts running_;
  TrialIntake intake_;
  Resources no_limits_;
  Resources& resources_;
  Scheduler scheduler_;
  AttemptStarter starter_;
  AbandonedAttempts abandoned_;
  AfterCommit after_commit_;
  DisplayAfterCommit display_;
  StudyEvents events_;

  StudyId study_{};
  std::chrono::milliseconds started_{0}, next_foreign_look_{0};
  std::set<TrialId> members_;  ///< trials that the study refers to
  std::map<TrialId, ActiveTrial> active_;
  std::set<TrialId> foreign_;  ///< active trials that another orchestrator runs
  bool stopping_ = false;
  int heeded_interrupts_ = 0;
  std::uint64_t learnt_ = 0;  ///< complete trials that the forecast has learnt from in this run
  std::atomic<int> interrupts_{0};
};

}  // namespace beamgrid
