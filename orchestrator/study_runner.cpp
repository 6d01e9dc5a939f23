#include "orchestrator/study_runner.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <utility>

#include "orchestrator/attempt_starter.h"
#include "orchestrator/candidate_book.h"
#include "orchestrator/leftovers.h"
#include "orchestrator/objective.h"
#include "orchestrator/refusal.h"
#include "orchestrator/study_news.h"
#include "registry/error.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

constexpr std::size_t kSmallestWindow = 16;
constexpr std::size_t kWindowPerSlot = 4;
/// How often trials that another study's orchestrator runs are looked at.
constexpr std::chrono::milliseconds kForeignInterval{1000};

/// Candidates that are looked at ahead of the slots: enough to keep them busy, too few to cost
/// memory or to delay the first start.
std::size_t WindowFor(std::size_t slots, std::size_t seeds) {
  return std::max(kSmallestWindow, (kWindowPerSlot * slots + seeds - 1) / seeds);
}

std::chrono::milliseconds Shorter(std::chrono::milliseconds a, std::chrono::milliseconds b) {
  return std::min(a, b);
}

}  // namespace

class StudyRunner::Loop {
 public:
  Loop(const Recipe& recipe, const Catalogue& catalogue, DataSpec data, RunnerSettings settings,
       RunnerParts parts)
      : recipe_(recipe),
        settings_(std::move(settings)),
        parts_(std::move(parts)),
        store_(*parts_.store),
        executor_(*parts_.executor),
        spec_{.data = std::move(data), .objective = recipe.objective},
        space_(recipe, catalogue),
        strategy_(MakeStrategyFor(space_, recipe)),
        scheduler_(settings_.slots, recipe.resources.retries),
        starter_(recipe, spec_.data, settings_.runs, store_, executor_),
        leftovers_(store_, executor_, settings_.database, recipe.name),
        news_(recipe, *parts_.display),
        book_(recipe.seeds.size()),
        window_(WindowFor(settings_.slots.size(), recipe.seeds.size())) {}

  StudyResult Run() {
    Open();
    while (true) {
      HeedInterrupts();
      FillWindow();
      LookAtForeignTrials();
      news_.Show(scheduler_.counts().waiting, Elapsed());
      if (Done()) break;
      for (ExecutorEvent& event : executor_.Poll(Wait())) Handle(event);
    }
    return Finish();
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
    std::int64_t attempts = 0;
    std::vector<SeedSlot> wanted_by;
    std::optional<AttemptKey> running;
  };
  /// A trial on its way into the record.
  struct Pending {
    NewTrial trial;
    SeedSlot wanted_by;
    std::optional<TrialRecord> twin;
  };

  // ---- Start and end ----------------------------------------------------------------------------

  void Open() {
    started_ = parts_.clock();
    news_.result().study = study_ = store_.OpenStudy({.name = recipe_.name,
                                                      .description = recipe_.description,
                                                      .objective = recipe_.objective,
                                                      .recipe_text = recipe_.text,
                                                      .recipe_digest = RecipeDigest(recipe_)});
    for (const TrialRecord& trial : store_.Trials(study_)) members_.insert(trial.id);
    CloseLeftovers([this](TrialId trial) { return members_.contains(trial); });
  }

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

  [[nodiscard]] bool Done() const {
    if (!scheduler_.idle()) return false;
    if (stopping_) return true;
    if (!foreign_.empty() || asked_for_all_ == Asked::kMore) return false;
    if (!strategy_->finished()) {
      throw std::logic_error("the strategy has more to ask but asks for nothing");
    }
    return true;
  }

  StudyResult Finish() {
    StudyResult& result = news_.result();
    result.decisions = strategy_->Decisions();
    result.interrupted = heeded_interrupts_ > 0;
    const bool failed = result.failed > 0 || !result.stopped_because.empty();
    result.exit_code = result.interrupted ? 130 : failed ? 1 : 0;
    return std::move(result);
  }

  // ---- Asking the strategy ----------------------------------------------------------------------

  /// Asks until the window is full or the strategy has no more for now. While slots are free,
  /// trials are recorded and started as soon as there is one for each; else many share a
  /// transaction.
  void FillWindow() {
    asked_for_all_ = Asked::kMore;
    if (stopping_) return;
    if (book_.size() > window_ / 2 && scheduler_.free_slots() == 0) return;
    for (std::size_t asked = 0; book_.size() < window_ && asked < window_; ++asked) {
      std::optional<Candidate> candidate = strategy_->Ask();
      if (!candidate) {
        // Findings that were told while asking may have given it more to ask.
        asked_for_all_ = asked == 0 ? Asked::kAll : Asked::kMore;
        break;
      }
      Consider(*std::move(candidate));
      const auto free = static_cast<std::size_t>(scheduler_.free_slots());
      if (free > 0 && pending_.size() >= free) RecordPending();
    }
    RecordPending();
    const auto planned = strategy_->planned();
    const auto seeds = static_cast<std::int64_t>(recipe_.seeds.size());
    news_.SetPlanned(planned ? std::optional(*planned * seeds) : std::nullopt);
  }

  void Consider(Candidate candidate) {
    const CandidateId id = book_.Open(std::move(candidate));
    std::vector<Pending> seeds;
    spec_.model = book_.At(id).model;
    for (std::size_t index = 0; index < recipe_.seeds.size(); ++index) {
      spec_.seed = recipe_.seeds[index];
      const std::string fingerprint = Fingerprint(spec_);
      seeds.push_back({{.name = book_.At(id).name, .fingerprint = fingerprint, .spec = spec_},
                       {id, index},
                       store_.FindByFingerprint(fingerprint)});
    }
    if (RefuseOrCount(id, &seeds)) return;
    std::move(seeds.begin(), seeds.end(), std::back_inserter(pending_));
  }

  /// True where the candidate is refused. What is recorded already needs no counting.
  bool RefuseOrCount(CandidateId id, std::vector<Pending>* seeds) {
    const auto known = std::find_if(seeds->begin(), seeds->end(),
                                    [](const Pending& seed) { return seed.twin.has_value(); });
    const CountAnswer answer = known != seeds->end()
                                   ? ModelSize{known->twin->parameters, known->twin->size_bytes}
                                   : parts_.counter->Count(spec_.model, spec_.data);
    if (const std::optional<std::string> why = WhyRefused(recipe_, answer)) {
      for (const Pending& seed : *seeds) {
        const TrialLabel label{seed.trial.name, seed.trial.spec.seed};
        news_.OnRefused(label, *why);
        Note(label, "refused: " + *why);
      }
      const auto* size = std::get_if<ModelSize>(&answer);
      strategy_->Tell(book_.Refuse(id, size != nullptr ? size->size_bytes : 0));
      return true;
    }
    for (Pending& seed : *seeds) {
      seed.trial.parameters = std::get<ModelSize>(answer).parameters;
      seed.trial.size_bytes = std::get<ModelSize>(answer).size_bytes;
    }
    return false;
  }

  // ---- Into the record and to the scheduler -----------------------------------------------------

  void RecordPending() {
    if (pending_.empty()) return;
    std::vector<Pending> batch = std::exchange(pending_, {});
    std::vector<NewTrial> trials;
    for (Pending& pending : batch) trials.push_back(pending.trial);
    const std::vector<TrialId> ids = store_.AddTrials(study_, trials);
    for (std::size_t i = 0; i < batch.size(); ++i) Enter(ids[i], std::move(batch[i]));
  }

  void Enter(TrialId trial, Pending pending) {
    const TrialLabel label{pending.trial.name, pending.trial.spec.seed};
    const bool is_new = members_.insert(trial).second;
    if (const auto active = active_.find(trial); active != active_.end()) {
      active->second.wanted_by.push_back(pending.wanted_by);
      return;
    }
    if (pending.twin && pending.twin->state == TrialState::kComplete) {
      if (is_new) Note(label, "reused: the record already held its result");
      return Reuse(label, *pending.twin, {pending.wanted_by});
    }
    if (pending.twin && FailedForEver(*pending.twin)) {
      news_.OnFailedBefore(label, pending.twin->failure);
      return Settle({pending.wanted_by}, {.size_bytes = pending.twin->size_bytes});
    }
    active_[trial] = {.label = label,
                      .fingerprint = pending.trial.fingerprint,
                      .model = std::move(pending.trial.spec.model),
                      .attempts = pending.twin ? pending.twin->attempts : 0,
                      .wanted_by = {pending.wanted_by}};
    if (pending.twin && pending.twin->state == TrialState::kRunning) {
      foreign_.insert(trial);
      Note(label, "waits: another study's orchestrator is training it");
    } else {
      Schedule(trial, pending.twin ? &*pending.twin : nullptr);
    }
  }

  /// Failures whose cause is the trial itself are final; others get a fresh set of tries in each
  /// run, for the user may have mended the machine.
  [[nodiscard]] bool FailedForEver(const TrialRecord& trial) const {
    if (trial.state != TrialState::kFailed) return trial.state == TrialState::kPruned;
    const std::vector<Store::AttemptRecord> attempts = store_.Attempts(trial.id);
    return !attempts.empty() && attempts.back().outcome == ToString(FailureKind::kDiverged);
  }

  void Schedule(TrialId trial, const TrialRecord* twin) {
    const bool tried_before = twin != nullptr && twin->state == TrialState::kWaiting;
    Execute(scheduler_.OnTrialAdded(trial, tried_before ? twin->failed_attempts : 0));
  }

  void Reuse(const TrialLabel& label, const TrialRecord& record, std::vector<SeedSlot> wanted_by) {
    news_.OnReused(label, *record.result);
    Settle(std::move(wanted_by), ResultOf(*record.result));
  }

  [[nodiscard]] SeedResult ResultOf(const TrialResult& result) const {
    return {ObjectiveOf(result.metrics, recipe_.objective), result.size_bytes};
  }

  void Settle(std::vector<SeedSlot> wanted_by, const SeedResult& result) {
    for (const SeedSlot slot : wanted_by) {
      if (const std::optional<Finding> finding = book_.Settle(slot, result)) {
        strategy_->Tell(*finding);
      }
    }
  }

  // ---- Trials that another study is training ----------------------------------------------------

  void LookAtForeignTrials() {
    if (foreign_.empty() || stopping_ || parts_.clock() < next_foreign_look_) return;
    next_foreign_look_ = parts_.clock() + kForeignInterval;
    CloseLeftovers([this](TrialId trial) { return foreign_.contains(trial); });
    for (auto foreign = foreign_.begin(); foreign != foreign_.end();) {
      const TrialId trial = *foreign;
      const TrialRecord record = store_.Trial(trial);
      if (record.state == TrialState::kRunning) {
        ++foreign;
        continue;
      }
      foreign = foreign_.erase(foreign);
      TakeOver(trial, record);
    }
  }

  void TakeOver(TrialId trial, const TrialRecord& record) {
    ActiveTrial& active = active_.at(trial);
    active.attempts = record.attempts;
    if (record.state == TrialState::kComplete) {
      Note(active.label, "reused: another study finished it");
      const ActiveTrial ended = std::move(active_.extract(trial).mapped());
      Reuse(ended.label, record, ended.wanted_by);
    } else {
      Schedule(trial, &record);
    }
  }

  // ---- Commands and events ----------------------------------------------------------------------

  void Execute(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      if (const auto* start = std::get_if<StartAttempt>(&command)) {
        Start(start->trial, scheduler_.slots().at(static_cast<std::size_t>(start->slot)));
      } else if (const auto* cancel = std::get_if<CancelAttempt>(&command)) {
        executor_.Cancel(*active_.at(cancel->trial).running, settings_.grace);
      }
    }
  }

  void Start(TrialId trial, const Slot& slot) {
    ActiveTrial& active = active_.at(trial);
    active.running = starter_.Start({.trial = trial,
                                     .name = active.label.name,
                                     .fingerprint = active.fingerprint,
                                     .model = &active.model,
                                     .seed = active.label.seed,
                                     .earlier_attempts = active.attempts},
                                    slot);
    active.attempts = active.running->attempt;
    news_.OnStarted(trial, active.label, slot, active.attempts);
  }

  void Handle(const ExecutorEvent& event) {
    const auto active = active_.find(event.key.trial);
    // A late message of an attempt that is over.
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
    const std::vector<Command> commands = scheduler_.OnAttemptEnded(key.trial, outcome);
    const Command* first = commands.empty() ? nullptr : &commands.front();
    const auto* finish = first != nullptr ? std::get_if<FinishTrial>(first) : nullptr;
    store_.FinishAttempt(key.trial, key.attempt, outcome,
                         finish != nullptr ? finish->state : TrialState::kWaiting);
    active_.at(key.trial).running.reset();
    if (finish != nullptr) {
      EndTrial(key.trial, outcome);
    } else if (first != nullptr && std::holds_alternative<RetryTrial>(*first)) {
      const ActiveTrial& active = active_.at(key.trial);
      news_.OnRetry(key.trial, active.label, outcome);
      Note(active.label, "attempt " + std::to_string(key.attempt) + " ended (" +
                             ToString(outcome.failure) + ": " + outcome.message +
                             "); it is tried again");
    } else {
      news_.OnInterrupted(key.trial, active_.at(key.trial).label);
    }
    Execute(commands);
  }

  void EndTrial(TrialId trial, const AttemptOutcome& outcome) {
    const ActiveTrial ended = std::move(active_.extract(trial).mapped());
    if (outcome.complete) {
      news_.OnComplete(trial, ended.label, outcome.result);
      Settle(ended.wanted_by, ResultOf(outcome.result));
      return;
    }
    news_.OnFailed(trial, ended.label, outcome);
    Settle(ended.wanted_by, {});
    if (outcome.failure == FailureKind::kBadData && spec_.data.on_error == "stop") {
      news_.result().stopped_because = outcome.message;
      Stop("the data are damaged, so the study stops: " + outcome.message +
           " (data.on_error = \"skip\" would count and skip such records)");
    }
  }

  // ---- Interrupts -------------------------------------------------------------------------------

  void HeedInterrupts() {
    const int asked = interrupts_.load();
    if (asked > heeded_interrupts_) {
      if (heeded_interrupts_ == 0) {
        Stop("interrupted: running trials write their checkpoints (again: kill them at once)");
      }
      if (asked > 1) KillAll();
    }
    heeded_interrupts_ = asked;
  }

  void Stop(const std::string& why) {
    stopping_ = true;
    news_.OnStopping(why);
    Execute(scheduler_.OnInterrupt());
  }

  void KillAll() {
    for (const auto& [trial, active] : active_) {
      if (active.running) executor_.Cancel(*active.running, std::chrono::milliseconds(0));
    }
  }

  // ---- Small things -----------------------------------------------------------------------------

  /// Notes are for `explain`; the same one is kept once, however often a study is run.
  void Note(const TrialLabel& label, const std::string& text) {
    const std::vector<std::string> notes = store_.Notes(study_, label.name, label.seed);
    if (std::find(notes.begin(), notes.end(), text) != notes.end()) return;
    store_.AddNote(study_, label.name, label.seed, text);
  }

  [[nodiscard]] std::chrono::milliseconds Elapsed() const { return parts_.clock() - started_; }

  /// No waiting while the strategy has more to say or trials to be looked at are due.
  [[nodiscard]] std::chrono::milliseconds Wait() const {
    const bool can_ask = !stopping_ && asked_for_all_ == Asked::kMore && book_.size() < window_ &&
                         (scheduler_.free_slots() > 0 || book_.size() <= window_ / 2);
    if (can_ask) return std::chrono::milliseconds(0);
    return foreign_.empty() ? settings_.poll : Shorter(settings_.poll, kForeignInterval);
  }

  /// Whether the last round of asking came to "nothing for now".
  enum class Asked { kMore, kAll };

  const Recipe& recipe_;
  RunnerSettings settings_;
  RunnerParts parts_;
  Store& store_;
  Executor& executor_;
  TrialSpec spec_;  ///< data and objective of all trials; model and seed of the one at hand
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
  Scheduler scheduler_;
  AttemptStarter starter_;
  Leftovers leftovers_;
  StudyNews news_;
  CandidateBook book_;
  std::size_t window_;

  StudyId study_{};
  std::chrono::milliseconds started_{0}, next_foreign_look_{0};
  std::set<TrialId> members_;  ///< trials that the study refers to
  std::vector<Pending> pending_;
  std::map<TrialId, ActiveTrial> active_;
  std::set<TrialId> foreign_;  ///< active trials that another orchestrator runs
  Asked asked_for_all_ = Asked::kMore;
  bool stopping_ = false;
  int heeded_interrupts_ = 0;
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
