#include "orchestrator/study_runner.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "orchestrator/after_commit.h"
#include "orchestrator/attempt_starter.h"
#include "orchestrator/attempts_at_work.h"
#include "orchestrator/leftovers.h"
#include "orchestrator/objective.h"
#include "orchestrator/study_news.h"
#include "orchestrator/trial_history.h"
#include "orchestrator/trial_intake.h"

namespace beamgrid {
namespace {

/// How often what other studies do is looked at: trials that we share, devices that they use.
constexpr std::chrono::milliseconds kForeignInterval{1000};

/// As explain shows it.
constexpr char kAlone[] = ", alone on its device";

}  // namespace

class StudyRunner::Loop {
 public:
  Loop(const Recipe& recipe, const Catalogue& catalogue, DataSpec data, RunnerSettings settings,
       RunnerParts parts)
      : recipe_(recipe),
        settings_(std::move(settings)),
        clock_(std::move(parts.clock)),
        store_(*parts.store),
        executor_(*parts.executor),
        at_work_(executor_, settings_.grace),
        intake_(recipe, catalogue, std::move(data), store_, *parts.counter, settings_.slots.size()),
        resources_(parts.resources != nullptr ? *parts.resources : no_limits_),
        scheduler_(settings_.slots, recipe.resources.retries, settings_.memory),
        starter_(recipe, intake_.data(), settings_.runs, store_, executor_),
        leftovers_(store_, executor_, settings_.database, recipe.name),
        after_commit_(store_),
        display_(*parts.display, after_commit_),
        news_(recipe, display_) {}

  StudyResult Run() {
    try {
      return CarryOut();
    } catch (const std::exception& error) {
      EndWorkers(error.what());
      throw;
    }
  }

  void Interrupt() {
    interrupts_.fetch_add(1);
    executor_.Wake();
  }

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

  // ---- Start and end ----------------------------------------------------------------------------

  /// Each turn: heed Ctrl-C, keep the slots filled, take in what happened.
  StudyResult CarryOut() {
    Open();
    while (true) {
      HeedInterrupts();
      AskForTrials();
      LookAtOtherStudies();
      resources_.SetWaiting(scheduler_.counts().waiting);
      news_.Show(scheduler_.counts().waiting, clock_() - started_);
      if (Done()) return Finish();
      const std::vector<ExecutorEvent> events = at_work_.Poll(Wait());
      if (events.empty()) continue;
      after_commit_.Together([&] {
        for (const ExecutorEvent& event : events) Handle(event);
      });
    }
  }

  void Open() {
    started_ = clock_();
    news_.result().study = study_ = store_.OpenStudy({.name = recipe_.name,
                                                      .description = recipe_.description,
                                                      .objective = recipe_.objective,
                                                      .recipe_text = recipe_.text,
                                                      .recipe_digest = RecipeDigest(recipe_)});
    for (const TrialRecord& trial : store_.Trials(study_)) members_.insert(trial.id);
    CloseLeftovers([this](TrialId trial) { return members_.contains(trial); });
  }

  [[nodiscard]] bool Done() const {
    if (!scheduler_.idle()) return false;
    if (stopping_) return true;
    if (!foreign_.empty() || !intake_.exhausted()) return false;
    if (!intake_.strategy().finished()) {
      throw std::logic_error("the strategy is not finished but asks for nothing");
    }
    return true;
  }

  StudyResult Finish() {
    StudyResult& result = news_.result();
    result.decisions = intake_.strategy().Decisions();
    result.interrupted = heeded_interrupts_ > 0;
    const bool failed = result.failed > 0 || !result.stopped_because.empty();
    result.exit_code = result.interrupted ? 130 : failed ? 1 : 0;
    return std::move(result);
  }

  // ---- Trials come in ---------------------------------------------------------------------------

  void AskForTrials() {
    if (stopping_) return;
    intake_.Fill(
        study_, [this] { return scheduler_.free_slots(); },
        [this](std::vector<WantedTrial> trials) {
          after_commit_.Together([&] {
            for (WantedTrial& trial : trials) Enter(std::move(trial));
          });
        },
        [this](const TrialLabel& label, const std::string& why) {
          news_.OnRefused(label, why);
          Note(label, "refused: " + why);
        });
    news_.SetPlanned(intake_.planned());
  }

  void Enter(WantedTrial trial) {
    const bool is_new = members_.insert(trial.id).second;
    if (is_new && !trial.start.empty()) {
      Note(trial.label, "starts from " + StartText(trial.model) + ", trial " + trial.start);
    }
    if (const auto active = active_.find(trial.id); active != active_.end()) {
      active->second.wanted_by.push_back(trial.wanted_by);
      return;
    }
    if (trial.twin && IsOver(store_, *trial.twin)) {
      if (is_new) Note(trial.label, "reused: the record already held how it ended");
      return UseEnded(trial.label, *trial.twin, {trial.wanted_by});
    }
    active_[trial.id] = {.label = std::move(trial.label),
                         .fingerprint = std::move(trial.fingerprint),
                         .model = trial.model,
                         .start = std::move(trial.start),
                         .parameters = trial.parameters,
                         .needs = resources_.Needs(trial.model, trial.parameters),
                         .wanted_by = {trial.wanted_by}};
    Schedule(trial.id, trial.twin);
  }

  void UseEnded(const TrialLabel& label, const TrialRecord& record,
                const std::vector<SeedSlot>& wanted_by) {
    if (record.state == TrialState::kComplete) {
      news_.OnReused(label, *record.result);
      intake_.Settle(wanted_by, ResultOf(*record.result));
    } else {
      news_.OnFailedBefore(label, record.failure);
      intake_.Settle(wanted_by, {.size_bytes = record.size_bytes});
    }
  }

  /// `twin`: what the record says of the trial, nothing if it is new there.
  void Schedule(TrialId trial, const std::optional<TrialRecord>& twin) {
    ActiveTrial& active = active_.at(trial);
    active.attempts = twin ? twin->attempts : 0;
    if (twin && twin->state == TrialState::kRunning) {
      foreign_.insert(trial);
      Note(active.label, "waits: another study's orchestrator is training it");
      return;
    }
    const bool again = twin && twin->state == TrialState::kFailed;
    if (again) store_.SetState(trial, TrialState::kWaiting);
    if (twin && twin->failed_attempts > 0) active.needs.alone = RanOutOfMemory(store_, trial);
    Execute(
        scheduler_.OnTrialAdded(trial, twin && !again ? twin->failed_attempts : 0, active.needs));
  }

  [[nodiscard]] SeedResult ResultOf(const TrialResult& result) const {
    return {ObjectiveOf(result.metrics, recipe_.objective), result.size_bytes};
  }

  // ---- Attempts of a dead orchestrator, trials of a living one ----------------------------------

  void CloseLeftovers(const std::function<bool(TrialId)>& ours) {
    leftovers_.Close(ours,
                     [this](const Store::OpenAttempt& attempt, const AttemptOutcome& outcome) {
                       const TrialRecord trial = store_.Trial(attempt.trial);
                       news_.OnLeftover({trial.name, trial.seed}, outcome);
                       Note({trial.name, trial.seed},
                            "attempt " + std::to_string(attempt.attempt) +
                                " was left by an orchestrator that died: " +
                                (outcome.complete ? "its result was complete" : outcome.message));
                     });
  }

  void LookAtOtherStudies() {
    if (stopping_ || clock_() < next_foreign_look_) return;
    next_foreign_look_ = clock_() + kForeignInterval;
    if (!foreign_.empty()) LookAtForeignTrials();
    if (scheduler_.refused()) {
      after_commit_.Together([this] { Execute(scheduler_.OnDevicesFreed()); });
    }
  }

  void LookAtForeignTrials() {
    CloseLeftovers([this](TrialId trial) { return foreign_.contains(trial); });
    for (const TrialId trial : std::set<TrialId>(foreign_)) {
      const TrialRecord record = store_.Trial(trial);
      if (record.state == TrialState::kRunning) continue;
      foreign_.erase(trial);
      if (IsOver(store_, record)) {
        UseForeign(trial, record);
      } else {
        Schedule(trial, record);
      }
    }
  }

  void UseForeign(TrialId trial, const TrialRecord& record) {
    const ActiveTrial ended = std::move(active_.extract(trial).mapped());
    Note(ended.label, "reused: another study trained it meanwhile");
    UseEnded(ended.label, record, ended.wanted_by);
  }

  // ---- Commands and events ----------------------------------------------------------------------

  void Execute(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      if (const auto* start = std::get_if<StartAttempt>(&command)) {
        Start(start->trial, scheduler_.slots().at(static_cast<std::size_t>(start->slot)));
      } else if (const auto* cancel = std::get_if<CancelAttempt>(&command)) {
        const ActiveTrial& active = active_.at(cancel->trial);
        if (!active.running) continue;
        after_commit_.Do([this, key = *active.running] { at_work_.Stop(key); });
      }
    }
  }

  void Start(TrialId trial, const Slot& slot) {
    ActiveTrial& active = active_.at(trial);
    const TrialRecord now = store_.Trial(trial);
    if (now.state != TrialState::kWaiting) return GiveToOther(trial, now);
    if (!resources_.Take(trial, slot, active.needs)) {
      news_.OnDeviceInUse(slot.device);
      return Execute(scheduler_.OnStartRefused(trial));
    }
    const BegunAttempt begun = starter_.Begin({.trial = trial,
                                               .name = active.label.name,
                                               .fingerprint = active.fingerprint,
                                               .model = &active.model,
                                               .seed = active.label.seed,
                                               .start = active.start,
                                               .earlier_attempts = active.attempts,
                                               .alone = active.needs.alone},
                                              slot);
    active.running = begun.key;
    active.attempts = begun.key.attempt;
    after_commit_.Do([this, begun] {
      starter_.Launch(begun);
      at_work_.Add(begun.key);
    });
    news_.OnStarted(trial, active.label, slot, active.attempts);
  }

  /// While the trial waited for a slot, another study's orchestrator took it.
  void GiveToOther(TrialId trial, const TrialRecord& now) {
    const std::vector<Command> commands = scheduler_.OnTrialWithdrawn(trial);
    if (IsOver(store_, now)) {
      UseForeign(trial, now);
    } else {
      Schedule(trial, now);
    }
    Execute(commands);
  }

  void Handle(const ExecutorEvent& event) {
    const auto active = active_.find(event.key.trial);
    // Late words of an attempt that is over.
    if (active == active_.end() || active->second.running != event.key) return;
    if (const auto* message = std::get_if<Message>(&event.what)) {
      if (const auto* started = std::get_if<Started>(message)) {
        store_.SetAttemptProcess(event.key.trial, event.key.attempt, started->pid);
      }
      news_.OnMessage(event.key.trial, *message);
    } else {
      EndAttempt(event.key, std::get<AttemptOutcome>(event.what));
    }
  }

  void EndAttempt(const AttemptKey& key, const AttemptOutcome& outcome) {
    ActiveTrial& active = active_.at(key.trial);
    active.running.reset();
    resources_.GiveBack(key.trial);
    // Before the scheduler hears of the end, or it would start the next attempt.
    if (StopsStudy(outcome)) {
      news_.result().stopped_because = outcome.message;
      Stop((IsMachineFault(outcome.failure) ? "the machine has a fault, the study stops: "
                                            : "the study stops at damaged data: ") +
           outcome.message);
    }
    const std::vector<Command> commands = scheduler_.OnAttemptEnded(key.trial, outcome);
    const Command* first = commands.empty() ? nullptr : &commands.front();
    const auto* finish = first != nullptr ? std::get_if<FinishTrial>(first) : nullptr;
    const auto* retry = first != nullptr ? std::get_if<RetryTrial>(first) : nullptr;
    store_.FinishAttempt(key.trial, key.attempt, outcome,
                         finish != nullptr ? finish->state : TrialState::kWaiting);
    if (finish != nullptr) {
      EndTrial(key.trial, outcome);
    } else if (retry != nullptr) {
      active.needs.alone = retry->alone;
      news_.OnRetry(key.trial, active.label, outcome);
      Note(active.label, "attempt " + std::to_string(key.attempt) + " ended (" +
                             ToString(outcome.failure) + ": " + outcome.message +
                             "); it is tried again" + (retry->alone ? kAlone : ""));
    } else {
      news_.OnInterrupted(key.trial, active.label);
    }
    Execute(commands);
    if (scheduler_.refused()) Execute(scheduler_.OnDevicesFreed());
  }

  void EndTrial(TrialId trial, const AttemptOutcome& outcome) {
    const ActiveTrial ended = std::move(active_.extract(trial).mapped());
    if (outcome.complete) {
      Learn(ended.model, outcome.result);
      news_.OnComplete(trial, ended.label, outcome.result);
      intake_.Settle(ended.wanted_by, ResultOf(outcome.result));
      return;
    }
    news_.OnFailed(trial, ended.label, outcome);
    intake_.Settle(ended.wanted_by, {});
  }

  /// Forecasts that were made before anything was measured cannot be compared with later ones, so
  /// the waiting are forecast again; ever more rarely, for later measurements change less.
  void Learn(const ModelSpec& model, const TrialResult& result) {
    resources_.Learn(model, result);
    if (!std::has_single_bit(++learnt_)) return;
    std::vector<Command> commands;
    for (auto& [trial, active] : active_) {
      if (active.running || foreign_.contains(trial)) continue;
      const bool alone = active.needs.alone;
      active.needs = resources_.Needs(active.model, active.parameters);
      active.needs.alone = alone;
      std::ranges::copy(scheduler_.OnNeedsChanged(trial, active.needs),
                        std::back_inserter(commands));
    }
    Execute(commands);
  }

  [[nodiscard]] bool StopsStudy(const AttemptOutcome& outcome) const {
    if (outcome.complete || stopping_) return false;
    const bool bad_data =
        outcome.failure == FailureKind::kBadData && intake_.data().on_error == "stop";
    return bad_data || IsMachineFault(outcome.failure);
  }

  // ---- Interrupts -------------------------------------------------------------------------------

  void HeedInterrupts() {
    const int asked = interrupts_.load();
    if (asked == heeded_interrupts_) return;
    if (heeded_interrupts_ == 0) {
      Stop("interrupted: running trials write their checkpoints (again: kill them at once)");
    }
    if (asked > 1) at_work_.KillAll();
    heeded_interrupts_ = asked;
  }

  void Stop(const std::string& why) {
    stopping_ = true;
    news_.OnStopping(why);
    Execute(scheduler_.OnInterrupt());
  }

  /// The record can no longer be written. What the workers leave in their directories is what the
  /// next run goes on from.
  void EndWorkers(const std::string& why) {
    if (at_work_.none()) return;
    news_.OnStopping(why + "; running trials write their checkpoints (Ctrl-C: kill them at once)");
    at_work_.StopAllAndWait([this] { return interrupts_.load() > heeded_interrupts_; });
  }

  // ---- Small things -----------------------------------------------------------------------------

  void Note(const TrialLabel& label, const std::string& text) {
    NoteOnce(store_, study_, label, text);
  }

  /// No waiting while there is something to ask.
  [[nodiscard]] std::chrono::milliseconds Wait() const {
    const bool more = !stopping_ && intake_.CanAsk(scheduler_.free_slots());
    return more ? std::chrono::milliseconds(0) : settings_.poll;
  }

  const Recipe& recipe_;
  RunnerSettings settings_;
  std::function<std::chrono::milliseconds()> clock_;
  Store& store_;
  Executor& executor_;
  AttemptsAtWork at_work_;
  TrialIntake intake_;
  Resources no_limits_;
  Resources& resources_;
  Scheduler scheduler_;
  AttemptStarter starter_;
  Leftovers leftovers_;
  AfterCommit after_commit_;
  DisplayAfterCommit display_;
  StudyNews news_;

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

StudyRunner::StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         RunnerSettings settings, RunnerParts parts)
    : loop_(std::make_unique<Loop>(recipe, catalogue, std::move(data), std::move(settings),
                                   std::move(parts))) {}
StudyRunner::~StudyRunner() = default;

StudyResult StudyRunner::Run() { return loop_->Run(); }
void StudyRunner::Interrupt() { loop_->Interrupt(); }

}  // namespace beamgrid
