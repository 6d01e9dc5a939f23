#pragma once
// Carries out a study: asks the strategy, finds known trials in the record, gives trials to the
// scheduler and attempts to the executor, and writes every outcome down before anything follows
// from it. All that depends on processes or time is behind an interface.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/abandoned_attempts.h"
#include "orchestrator/study/after_commit.h"
#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/study/content_watch.h"
#include "orchestrator/study/counted_trials.h"
#include "orchestrator/study/early_deaths.h"
#include "orchestrator/study/executor.h"
#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/pace.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/resources.h"
#include "orchestrator/study/scheduler.h"
#include "orchestrator/study/study_change.h"
#include "orchestrator/study/study_events.h"
#include "orchestrator/study/study_trial.h"
#include "orchestrator/study/trial_intake.h"
#include "orchestrator/study/work_ahead.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// RunnerSettings is where and on what a study runs.
struct RunnerSettings {
  /// Says whether another orchestrator runs a study of the same database; null: nobody does.
  AbandonedAttempts::IsRun is_run;
  /// Says what became of the database, and what was saved of it, where its files were deleted or
  /// replaced; null: nothing can.
  std::function<std::string()> lost;
  std::vector<Slot> slots;
  std::map<std::string, std::int64_t> memory;  ///< bytes by device; see Scheduler
  std::chrono::milliseconds grace{30'000};     ///< for checkpoints after an interrupt
  std::chrono::milliseconds poll{200};         ///< longest wait for events
  std::vector<std::string> retry;              ///< failed trials to try again; see ChooseRetries
  /// Goes on where finished trials leave the study's answer, too.
  bool accept_changes = false;
  /// By what the validation videos belong together; null: by nothing.
  std::shared_ptr<const VideoGroups> video_groups;
  /// What the data's classes are called, by class; none: nobody knows.
  std::vector<std::string> class_names;
  /// Hears what has changed since the study was run last, before anything is recorded; may be null.
  std::function<void(const StudyChange&)> on_change;
};

/// RunnerParts is what a runner works with; all outlive it.
struct RunnerParts {
  Store* store;
  Executor* executor;
  ModelCounter* counter;
  ProgressDisplay* display;
  std::function<std::chrono::milliseconds()> clock;  ///< monotonic
  Resources* resources = nullptr;                    ///< null: no limits
  ContentWatch* watch = nullptr;                     ///< null: the files do not change
};

/// StudyRunner owns the trials of a study from the moment they are asked for until the strategy is
/// told. Not thread-safe but for Interrupt; owned by the study's thread.
class StudyRunner {
 public:
  /// Makes a runner. `recipe` and `catalogue` must outlive it; `data` is resolved and digested.
  /// Throws RecipeError where trials are to start from trials that are not complete in the record.
  StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
              RunnerSettings settings, RunnerParts parts);

  /// Runs until nothing is left to ask or an interrupt. Never repeats a complete trial. Throws
  /// UsageError, and has recorded nothing, where finished trials would leave the study's answer and
  /// nobody has accepted it; Error where the environment broke: the record is then as if the
  /// orchestrator had been killed.
  [[nodiscard]] StudyResult Run();

  /// Stops the study. The first call: running attempts checkpoint and stop, and Run returns with
  /// exit code 130. The second: they are killed at once. Safe in a signal handler and from any
  /// thread.
  void Interrupt();

 private:
  // ---- Turns, start and end --------------------------------------------------------------------

  /// Runs the turns until the study is done. Each turn: heed Ctrl-C, ask for trials, take in what
  /// happened.
  StudyResult CarryOut();
  void Open();
  /// Throws Error where what is recorded from now on would be lost.
  void CheckRecord() const;
  /// Keeps the database file whole by itself, for whoever copies it without its log.
  void SettleRecord();
  /// Tells what has changed. In one transaction the recipe becomes the study's and trials count no
  /// more that are not asked for or of other content: a study that is stopped early is no mixture.
  void TakeRecipe();
  /// Returns how many trials wait that were asked for.
  [[nodiscard]] std::int64_t Waiting() const;
  /// Returns the first trials that wait.
  [[nodiscard]] std::vector<NextTrial> NextTrials() const;
  /// Returns what is left to train, where that was measured.
  [[nodiscard]] std::optional<WorkAhead> Ahead() const;
  [[nodiscard]] bool Done() const;
  StudyResult Finish();
  /// Lets trials count no more that the study, asked to its end, does not ask for.
  void LeaveOutUnasked();
  /// Notes how far the run is, for those who watch it; part of the transaction at hand. `ending`:
  /// see RunNote.
  void NoteProgress(const std::string& ending = "");
  /// Says whether there is anything that the last note does not tell, and whether that is long
  /// enough ago for another one.
  [[nodiscard]] bool HasNews() const;
  [[nodiscard]] bool MayNote() const;
  /// The same by itself, every few seconds: an epoch may last for hours.
  void NoteProgressNowAndThen();
  /// Makes one transaction of what `work` records and of the attempts that can begin because of it.
  void Record(const std::function<void()>& work);
  void HeedInterrupts();
  void Stop(const std::string& why);
  /// Has the workers stop within `grace`. Returns the attempts that the executor is at work on.
  std::set<AttemptKey> CancelAll(std::chrono::milliseconds grace);
  /// Lets the workers write their checkpoints when the record can no longer be written. What they
  /// leave in their directories is what the next run goes on from.
  void EndWorkers(const std::string& why);
  void Note(const TrialLabel& label, const std::string& text);
  /// Returns how long a turn may wait for events: not at all while there is something to ask.
  [[nodiscard]] std::chrono::milliseconds Wait() const;

  // ---- Trials come in --------------------------------------------------------------------------

  void AskForTrials();
  /// Gives up what the strategy let go before the end of its training.
  void NoteLetGo();
  /// Takes in trials that were asked for: at once where one of them may begin, else with the next
  /// transaction.
  void EnterAll(std::vector<StudyTrial> trials);
  /// Enters those that wait for a transaction; part of the one at hand.
  void EnterAsked();
  void Enter(StudyTrial trial);
  void UseEnded(const StudyTrial& trial, const TrialRecord& record);
  /// Gives a trial to the scheduler. `record`: null where the trial is new there.
  void Schedule(StudyTrial& trial, const TrialRecord* record);
  /// Goes on with the attempt that a dead orchestrator began, where it may still be at work and is
  /// what was asked for. False where it is not: it is closed then as any other.
  bool Adopt(StudyTrial& trial, const TrialRecord& record);

  // ---- Attempts of a dead orchestrator, trials of a living one ---------------------------------

  void CloseAbandoned(const std::function<bool(TrialId)>& ours);
  /// Closes the attempts that were spared to be adopted and that nobody has asked for.
  void CloseSpared();
  /// Returns why what a dead orchestrator's attempt left must not be used; empty where it may be.
  [[nodiscard]] std::string WhyMistrusted(const Store::OpenAttempt& attempt) const;
  void LookAtOtherStudies();
  /// Takes over a trial that another orchestrator has or had: its end is used, or the trial goes on
  /// here.
  void TakeFromOther(TrialId trial, const TrialRecord& record);

  // ---- Attempts begin, say something and end ---------------------------------------------------

  void Begin(const StartAttempt& start);
  void Hear(std::vector<ExecutorEvent> events);
  /// True where what was heard may wait for the next transaction.
  [[nodiscard]] bool MayHold() const;
  /// Looks whether the study's files have changed, before something that was measured on them is
  /// recorded. Where they have, the study stops, and nothing that ends from then on is used.
  void LookAtContent(const std::vector<ExecutorEvent>& events);
  void Handle(const ExecutorEvent& event);
  void OnStarted(StudyTrial& trial, const Started& started);
  void EndAttempt(StudyTrial& trial, AttemptOutcome reported);
  /// Returns what is recorded of an attempt: what its worker reported, unless something speaks
  /// against it.
  [[nodiscard]] AttemptOutcome Judged(StudyTrial& trial, AttemptOutcome reported);
  /// Compares what the attempt at work took with its forecast, where it did what it was asked for.
  void NotePace(const StudyTrial& trial);
  /// Takes a trial that has been trained as far as it was asked for out of the running.
  void Pause(TrialId trial, std::int64_t attempt, const AttemptOutcome& outcome);
  void Complete(TrialId trial, const TrialResult& result);
  void Fail(TrialId trial, const AttemptFailure& failure);
  /// Returns what a trial will need, by all that was learnt so far.
  [[nodiscard]] TrialNeeds NeedsOf(const StudyTrial& trial);
  /// Learns from a complete trial. Forecasts that were made before anything was measured cannot be
  /// compared with later ones, so the waiting are forecast again; ever more rarely, for later
  /// measurements change less.
  void Learn(const ModelSpec& model, const TrialResult& result);
  [[nodiscard]] bool StopsStudy(const AttemptOutcome& outcome) const;

  const Recipe& recipe_;
  const Catalogue& catalogue_;
  RunnerSettings settings_;
  ContentWatch* watch_;
  std::function<std::chrono::milliseconds()> clock_;
  Store& store_;
  Executor& executor_;
  ModelCounter& counter_;
  TrialIntake intake_;
  Resources no_limits_;
  Resources& resources_;
  Scheduler scheduler_;
  AttemptStarter starter_;
  AbandonedAttempts abandoned_;
  AfterCommit after_commit_;
  DisplayAfterCommit display_;
  StudyEvents events_;
  EarlyDeaths early_deaths_;

  StudyId study_{};
  std::chrono::milliseconds started_{0}, next_foreign_look_{0}, next_settling_{0}, noted_at_{0};
  std::int64_t noted_waiting_ = 0;  ///< trials that wait, in the last note
  std::set<TrialId> members_;       ///< trials that the study refers to
  CountedTrials counted_;
  std::set<TrialId> retried_;              ///< failed ones that are to be tried again
  std::vector<ExecutorEvent> heard_;       ///< not recorded yet
  std::chrono::milliseconds heard_at_{0};  ///< when the first of them came
  std::string content_change_;     ///< not empty: a file of the study has changed while it ran
  std::vector<StudyTrial> asked_;  ///< not recorded yet; they have no id
  std::map<TrialId, StudyTrial> trials_;
  std::map<std::pair<std::string, std::int64_t>, TrialNeeds>
      needs_;                  ///< by the model's name and parameters, as NeedsOf says
  std::set<TrialId> foreign_;  ///< those of trials_ that another orchestrator runs
  bool stopping_ = false;
  int heeded_interrupts_ = 0;
  KnownLengths lengths_;  ///< of asked trials, whole trainings
  Pace pace_;
  std::uint64_t learnt_ = 0;  ///< complete trials that the forecast has learnt from in this run
  std::atomic<int> interrupts_{0};
};

}  // namespace beamgrid
