#include "orchestrator/study/study_runner.h"

#include <algorithm>
#include <bit>
#include <exception>
#include <iterator>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>

#include "orchestrator/study/counted_model.h"
#include "orchestrator/study/retry_choice.h"
#include "orchestrator/study/run_note.h"
#include "orchestrator/study/trial_history.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// The interval at which what other studies do is looked at: trials that we share, devices that
/// they use. A look costs a query for each shared trial.
constexpr std::chrono::milliseconds kForeignInterval{1000};
/// The interval at which the database file takes over what is in its log: each time costs two syncs
/// of the disk.
constexpr std::chrono::milliseconds kSettlingInterval{1000};
/// The interval at which a run is noted in the record although no trial began or ended.
constexpr std::chrono::milliseconds kNotingInterval{5000};
/// The shortest time between two notes: short trials end by the thousand a second, and nobody looks
/// that often.
constexpr std::chrono::milliseconds kShortestNotingInterval{50};

/// The longest time for which what workers say on their way waits for the end of an attempt, to
/// share its transaction: a short trial says twice something that is recorded.
constexpr std::chrono::milliseconds kLongestHold{50};

/// Why a trial counts no more that nobody asks for; the record keeps it.
constexpr char kUnasked[] = "it is none that the study asks for now";

/// Returns the share of its training that the attempt goes on from.
double ResumedShareOf(const Started& started) {
  const double whole =
      static_cast<double>(started.epochs) * static_cast<double>(started.train_examples);
  return whole > 0 ? static_cast<double>(started.resumed_examples) / whole : 0;
}

}  // namespace

StudyRunner::StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         RunnerSettings settings, RunnerParts parts)
    : recipe_(recipe),
      catalogue_(catalogue),
      settings_(std::move(settings)),
      watch_(parts.watch),
      clock_(std::move(parts.clock)),
      store_(*parts.store),
      executor_(*parts.executor),
      counter_(*parts.counter),
      intake_(recipe, catalogue, std::move(data), &store_, counter_, settings_.slots.size()),
      resources_(parts.resources != nullptr ? *parts.resources : no_limits_),
      scheduler_(settings_.slots, recipe.resources.retries, settings_.memory),
      starter_(recipe, store_, executor_),
      abandoned_(store_, executor_, settings_.is_run, recipe.name),
      after_commit_(store_),
      display_(*parts.display, after_commit_),
      events_(recipe, display_) {
  events_.SetSlots(settings_.slots);
}

StudyResult StudyRunner::Run() {
  try {
    return CarryOut();
  } catch (const std::exception& error) {
    // What the workers did since their last checkpoints would be lost with them.
    EndWorkers(error.what());
    throw;
  }
}

void StudyRunner::Interrupt() {
  // Counted before the wake-up, or the loop could wake, see nothing and sleep again.
  interrupts_.fetch_add(1);
  executor_.Wake();
}

StudyResult StudyRunner::CarryOut() {
  Open();
  while (true) {
    CheckRecord();
    NoteProgressNowAndThen();
    SettleRecord();
    HeedInterrupts();
    AskForTrials();
    // While there is something to ask, or to hear first, what is spared may be asked for yet.
    const bool asked_all = stopping_ || !intake_.CanAsk(scheduler_.free_slots());
    if (asked_all && scheduler_.counts().running == 0) CloseSpared();
    LookAtOtherStudies();
    resources_.SetWaiting(Waiting());
    events_.SetQueuedFor(executor_.QueuedFor());
    events_.SetNext(NextTrials());
    events_.Show(Waiting(), clock_() - started_, Ahead());
    // After Show: the last state that is shown is the one that the study ended with.
    if (Done()) return Finish();
    Hear(executor_.Poll(Wait()));
    if (heard_.empty() || MayHold()) continue;
    LookAtContent(heard_);
    Record([this] {
      // All in one transaction: a disk syncs some hundred times a second, short trials end more
      // often.
      for (const ExecutorEvent& event : std::exchange(heard_, {})) Handle(event);
    });
  }
}

void StudyRunner::Hear(std::vector<ExecutorEvent> events) {
  if (heard_.empty()) heard_at_ = clock_();
  std::ranges::move(events, std::back_inserter(heard_));
}

bool StudyRunner::MayHold() const {
  return clock_() < heard_at_ + kLongestHold &&
         std::ranges::all_of(
             heard_,
             [](const ExecutorEvent& event) {
               return std::holds_alternative<Message>(event.what);
             });
}

void StudyRunner::Record(const std::function<void()>& work) {
  after_commit_.Together([&] {
    EnterAsked();
    work();
    // In the same transaction as the end that made room: the next attempt costs no sync of its own.
    // What is spared keeps its slot.
    while (scheduler_.free_slots() > abandoned_.spared()) {
      const std::optional<StartAttempt> start = scheduler_.NextStart();
      if (!start) break;
      Begin(*start);
    }
    if (MayNote() && HasNews()) NoteProgress();
  });
}

void StudyRunner::NoteProgress(const std::string& ending) {
  events_.TakeNews();
  noted_at_ = clock_();
  noted_waiting_ = Waiting();
  events_.SetNext(NextTrials());
  NoteRun(store_, study_, events_.StateAt(noted_waiting_, clock_() - started_, Ahead()), ending);
}

bool StudyRunner::HasNews() const { return events_.has_news() || Waiting() != noted_waiting_; }

bool StudyRunner::MayNote() const { return clock_() >= noted_at_ + kShortestNotingInterval; }

void StudyRunner::NoteProgressNowAndThen() {
  const bool due = clock_() >= noted_at_ + kNotingInterval;
  // What was heard is recorded soon, and the run with it.
  const bool in_passing = !heard_.empty();
  if (!due && (in_passing || !HasNews() || !MayNote())) return;
  try {
    after_commit_.Together([this] { NoteProgress(); });
  } catch (const Error&) {
    // No run is ended for the sake of who watches it. A disk that is full stays so, and the next
    // outcome that cannot be recorded says it.
    noted_at_ = clock_();
  }
}

void StudyRunner::Open() {
  started_ = clock_();
  TakeRecipe();
  // Before anything is asked: what a dead orchestrator of this study left must be closed first, or
  // its trials would look as if somebody trained them.
  std::vector<TrialRecord> trials = store_.Trials(study_, Counting::kAll);
  for (const TrialRecord& trial : trials) members_.insert(trial.id);
  if (!store_.OpenAttempts().empty()) {
    const auto ours = [this](TrialId trial) { return members_.contains(trial); };
    abandoned_.Spare(ours, [this](const auto& attempt) { return WhyMistrusted(attempt); });
    CloseAbandoned(ours);
    trials = store_.Trials(study_, Counting::kAll);
  }
  std::erase_if(trials, [](const TrialRecord& trial) { return !trial.counts(); });
  for (const TrialRecord& trial : trials) counted_.Add(trial);
  const RetryChoice retries = ChooseRetries(settings_.retry, recipe_.name, trials);
  for (const std::string& line : retries.lines) display_.Event(line);
  retried_ = retries.trials;
  intake_.Know(std::move(trials));
}

void StudyRunner::TakeRecipe() {
  const StudyChange change = FindStudyChange(store_, recipe_, catalogue_, intake_.data(), counter_);
  if (settings_.on_change) settings_.on_change(change);
  if (change.needs_consent() && !settings_.accept_changes) {
    throw UsageError(RefusalOf(change, recipe_.name));
  }
  std::vector<std::string> words;
  for (const RecipeChange& one : change.recipe) words.push_back(one.text);
  after_commit_.Together([&] {
    study_ = store_.OpenStudy({.name = recipe_.name,
                               .description = recipe_.description,
                               .objective = recipe_.objective->name,
                               .recipe_text = recipe_.text,
                               .recipe_digest = RecipeDigest(recipe_)},
                              words);
    store_.SetVideoGroups(study_, settings_.video_groups.get());
    store_.SetClassNames(study_, intake_.data().digest, settings_.class_names);
    for (const Outdated& group : change.outdated) {
      store_.StopCounting(study_, group.trials, group.why());
    }
    store_.StopCounting(study_, change.unasked, kUnasked);
    for (const std::string& line : LinesOf(change)) display_.Event(line);
    NoteProgress();  // in the place of the run before
  });
  events_.result().study = study_;
}

void StudyRunner::CheckRecord() const {
  const std::string fate = settings_.lost ? settings_.lost() : "";
  if (!fate.empty()) throw Error(fate);
}

void StudyRunner::SettleRecord() {
  if (clock_() < next_settling_) return;
  next_settling_ = clock_() + kSettlingInterval;
  store_.Settle();
}

std::int64_t StudyRunner::Waiting() const {
  return scheduler_.counts().waiting + static_cast<std::int64_t>(asked_.size());
}

std::vector<NextTrial> StudyRunner::NextTrials() const {
  std::vector<NextTrial> next;
  for (const TrialId id : scheduler_.Next(kNextShown)) {
    const auto trial = trials_.find(id);
    if (trial != trials_.end()) next.push_back({trial->second.name, trial->second.spec.seed});
  }
  return next;
}

std::optional<WorkAhead> StudyRunner::Ahead() const {
  return FindWorkAhead(asked_, trials_, lengths_, intake_.LaterTrainings(), pace_,
                       std::ssize(settings_.slots));
}

bool StudyRunner::Done() const {
  if (!scheduler_.idle()) return false;
  if (stopping_) return true;
  if (!foreign_.empty() || !intake_.exhausted()) return false;
  if (!intake_.strategy().finished()) {
    // Better a loud end than a loop that waits for nothing.
    throw std::logic_error("the strategy is not finished but asks for nothing");
  }
  return true;
}

StudyResult StudyRunner::Finish() {
  // Where the record knew all, the last rungs were decided in one turn.
  NoteLetGo();
  if (!stopping_) LeaveOutUnasked();
  StudyResult& result = events_.result();
  result.decisions = intake_.strategy().Decisions();
  result.interrupted = heeded_interrupts_ > 0;
  const bool failed = result.failed > 0 || !result.stopped_because.empty();
  result.exit_code = result.interrupted ? 130 : failed ? 1 : 0;
  after_commit_.Together([&] {
    NoteProgress(result.interrupted                ? "interrupted"
                 : !result.stopped_because.empty() ? result.stopped_because
                                                   : "complete");
  });
  return std::move(result);
}

void StudyRunner::LeaveOutUnasked() {
  const std::vector<TrialId> unasked = counted_.Unasked();
  if (unasked.empty()) return;
  after_commit_.Together([&] {
    store_.StopCounting(study_, unasked, kUnasked);
    display_.Event("no longer counted: " + CountText(unasked.size(), "trial") +
                   " of earlier runs that the study does not ask for now");
  });
}

// ---- Trials come in ----------------------------------------------------------------------------

void StudyRunner::NoteLetGo() {
  const std::vector<LetGo> let_go = intake_.TakeLetGo();
  if (let_go.empty()) return;
  Record([&] { display_.Event(GiveUp(store_, study_, recipe_.seeds, counted_, let_go)); });
}

void StudyRunner::AskForTrials() {
  NoteLetGo();
  if (!stopping_ && intake_.CanAsk(scheduler_.free_slots())) {
    std::vector<StudyTrial> trials;
    // Reused and refused candidates leave the window at once: the bound keeps one turn short.
    for (std::size_t asked = 0; asked < intake_.window() && !intake_.full(); ++asked) {
      std::optional<ConsideredCandidate> candidate = intake_.Next();
      if (!candidate) break;
      for (StudyTrial& trial : candidate->trials) {
        if (candidate->refusal) {
          events_.OnRefused(trial.label(), *candidate->refusal);
          Note(trial.label(), "refused: " + *candidate->refusal);
        } else {
          trials.push_back(std::move(trial));
        }
      }
      // While slots are free trials begin as soon as there is one for each; else many share a
      // transaction.
      const auto free = static_cast<std::size_t>(scheduler_.free_slots());
      if (free > 0 && trials.size() >= free) EnterAll(std::exchange(trials, {}));
    }
    EnterAll(std::move(trials));
  }
  events_.SetPlanned(intake_.planned());
}

void StudyRunner::EnterAll(std::vector<StudyTrial> trials) {
  if (trials.empty()) return;
  std::ranges::move(trials, std::back_inserter(asked_));
  // While all slots are at work nothing can begin before the next event, whose transaction they
  // share: a sync of the disk costs more than all else of a short trial. Of those that the record
  // knows some are over, and what follows from that must not wait.
  const bool may_wait =
      scheduler_.free_slots() == 0 && scheduler_.counts().running > 0 &&
      std::ranges::none_of(asked_, [](const StudyTrial& trial) { return trial.known.has_value(); });
  if (!may_wait) return Record([] {});
  for (StudyTrial& trial : std::span(asked_).last(trials.size())) {
    trial.needs = NeedsOf(trial);  // for Ahead
  }
}

void StudyRunner::EnterAsked() {
  if (asked_.empty()) return;
  std::vector<StudyTrial> trials = std::exchange(asked_, {});
  const std::vector<TrialId> ids = store_.AddTrials(study_, {trials.begin(), trials.end()});
  for (std::size_t i = 0; i < trials.size(); ++i) {
    trials[i].id = ids[i];
    counted_.NoteAsked(trials[i]);
    Enter(std::move(trials[i]));
  }
}

void StudyRunner::Enter(StudyTrial trial) {
  const bool is_new = members_.insert(trial.id).second;
  if (is_new && !trial.spec.warm_start.empty()) {
    Note(trial.label(),
         "starts from " + WarmStartText(trial.spec.model) + ", trial " + trial.spec.warm_start);
  }
  if (!trial.why.empty()) Note(trial.label(), "asked for: " + trial.why);
  if (const auto present = trials_.find(trial.id); present != trials_.end()) {
    // Two candidates may be one model, where an option has no effect on it: trained once, told to
    // both.
    if (present->second.until_epoch != trial.until_epoch) {
      throw std::logic_error("trial '" + trial.name + "' is asked for to two epochs at once");
    }
    present->second.wanted_by.push_back(trial.wanted_by.front());
    return;
  }
  // Before anything that the trial came to later, which was not known when this was asked first.
  if (intake_.IsMeasured(trial)) return intake_.SettleMeasured(trial);
  if (trial.known && IsOver(store_, *trial.known) && !retried_.contains(trial.id)) {
    if (is_new) Note(trial.label(), "reused: the record already held how it ended");
    return UseEnded(trial, *trial.known);
  }
  trial.needs = NeedsOf(trial);
  trial.done = DoneShare(store_, trial);
  if (trial.needs.measured) lengths_.Add(trial.needs);
  // Moved in before it is scheduled: starts look trials up by their id.
  StudyTrial& kept = trials_[trial.id] = std::move(trial);
  Schedule(kept, kept.known ? &*kept.known : nullptr);
}

void StudyRunner::UseEnded(const StudyTrial& trial, const TrialRecord& record) {
  if (record.state == TrialState::kComplete) {
    events_.OnReused(trial.label(), *record.result);
  } else {
    events_.OnFailedBefore(trial.label(), record.failure);
  }
  intake_.SettleEnded(trial, record);
}

void StudyRunner::Schedule(StudyTrial& trial, const TrialRecord* record) {
  if (record == nullptr) return scheduler_.OnTrialAdded(trial.id, 0, trial.needs);
  if (record->state == TrialState::kRunning) {
    if (Adopt(trial, *record)) return;
    // Whether its owner is alive is asked by LookAtOtherStudies: within a second a dead one's
    // attempt is closed and the trial comes back.
    foreign_.insert(trial.id);
    return Note(trial.label(), "waits: another orchestrator began to train it");
  }
  const bool again = record->state == TrialState::kFailed || record->state == TrialState::kPruned;
  if (again) store_.SetState(trial.id, TrialState::kWaiting);
  if (record->failed_attempts > 0) trial.needs.alone = RanOutOfMemory(store_, trial.id);
  // A new run gives a fresh set of tries (IsOver), so the failures of earlier runs do not count.
  scheduler_.OnTrialAdded(trial.id, again ? 0 : record->failed_attempts, trial.needs);
}

bool StudyRunner::Adopt(StudyTrial& trial, const TrialRecord& record) {
  const std::optional<SparedAttempt> spared = abandoned_.TakeSpared(trial.id);
  if (!spared || spared->file.until_epoch != trial.until_epoch || stopping_) return false;
  const std::optional<std::size_t> slot =
      scheduler_.OnTrialAdopted(trial.id, record.failed_attempts, trial.needs, spared->file.device);
  if (!slot) return false;
  trial.running = {trial.id, spared->attempt.attempt};
  trial.attempts = spared->attempt.attempt;
  after_commit_.Do([this, key = *trial.running, directory = spared->attempt.directory] {
    executor_.Adopt(key, directory);
  });
  events_.OnAdopted(trial.id, trial.label(), scheduler_.slots().at(*slot));
  Note(trial.label(),
       "attempt " + std::to_string(trial.attempts) +
           " was still at work for an orchestrator that died; this run took it over");
  return true;
}

// ---- Attempts of a dead orchestrator, trials of a living one -----------------------------------

void StudyRunner::CloseSpared() {
  if (!abandoned_.SpareNone()) return;
  CloseAbandoned([this](TrialId trial) { return members_.contains(trial); });
  Record([] {});  // those that wait for their slots
}

void StudyRunner::CloseAbandoned(const std::function<bool(TrialId)>& ours) {
  std::string mistrusted;
  const auto mistrust = [&](const Store::OpenAttempt& attempt) {
    return mistrusted = WhyMistrusted(attempt);
  };
  abandoned_.Close(
      ours, mistrust, [&](const Store::OpenAttempt& attempt, const AttemptOutcome& outcome) {
        const TrialRecord record = store_.Trial(attempt.trial);
        const TrialLabel label{record.name, record.seed};
        events_.OnAbandoned(label, outcome, mistrusted);
        if (outcome.complete()) RemoveFiles(CheckpointsOf(store_, attempt.trial));
        Note(label,
             "attempt " + std::to_string(attempt.attempt) +
                 " was left by an orchestrator that died: " +
                 (outcome.complete() ? "its result was complete" : outcome.failure().message));
      });
}

std::string StudyRunner::WhyMistrusted(const Store::OpenAttempt& attempt) const {
  const std::string then(
      ParseJson(store_.Canonical(attempt.trial)).at("data").at("digest").as_string());
  // Nobody knows whether the data changed before the worker had ended or after.
  if (then != intake_.data().digest) return "the data have changed since; what it left is not used";
  if (watch_ == nullptr || attempt.data_stamp.empty()) return "";
  if (attempt.data_stamp == watch_->DataStamp()) return "";
  return "the data files were touched or replaced after it began, so it may have seen others; what "
         "it left is not used";
}

void StudyRunner::LookAtOtherStudies() {
  if (stopping_ || clock_() < next_foreign_look_) return;
  next_foreign_look_ = clock_() + kForeignInterval;
  if (foreign_.empty() && !scheduler_.refused()) return;
  if (!foreign_.empty()) {
    // Outside the transaction below: to end a surviving worker may take seconds, and other studies
    // wait for the record meanwhile.
    CloseAbandoned([this](TrialId trial) { return foreign_.contains(trial); });
  }
  Record([this] {
    // Other studies tell nobody when they give a device back; asking again is the way to find out.
    scheduler_.OnDevicesFreed();
    // A copy: the body takes trials out and may put them in again.
    for (const TrialId trial : std::set<TrialId>(foreign_)) {
      const TrialRecord record = store_.Trial(trial);
      if (record.state == TrialState::kRunning) continue;
      foreign_.erase(trial);
      TakeFromOther(trial, record);
    }
  });
}

void StudyRunner::TakeFromOther(TrialId trial, const TrialRecord& record) {
  if (intake_.IsMeasured(trials_.at(trial))) {
    const StudyTrial measured = std::move(trials_.extract(trial).mapped());
    return intake_.SettleMeasured(measured);
  }
  if (!IsOver(store_, record)) return Schedule(trials_.at(trial), &record);
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  Note(ended.label(), "reused: another study trained it meanwhile");
  UseEnded(ended, record);
}

// ---- Attempts begin, say something and end -----------------------------------------------------

void StudyRunner::Begin(const StartAttempt& start) {
  StudyTrial& trial = trials_.at(start.trial);
  const Slot& slot = scheduler_.slots().at(start.slot);
  // Read under the write lock: nobody can take the trial between this look and Begin.
  const TrialRecord now = store_.Trial(trial.id);
  if (now.state != TrialState::kWaiting) {
    // While the trial waited for a slot, another study's orchestrator took it.
    scheduler_.OnTrialWithdrawn(trial.id);
    return TakeFromOther(trial.id, now);
  }
  // Before the record: a refusal leaves no attempt behind.
  if (!resources_.Take(trial.id, slot, trial.needs)) {
    events_.OnDeviceInUse(slot.device, resources_.RefusalText(), clock_() - started_);
    return scheduler_.OnStartRefused(trial.id);
  }
  // Another study may have begun and lost attempts of it since this one asked.
  trial.attempts = now.attempts;
  const BegunAttempt begun =
      starter_.Begin(trial, slot, watch_ != nullptr ? watch_->DataStamp() : "");
  trial.running = begun.key;
  trial.queued = executor_.Queues();
  trial.at_work_since.reset();
  if (!trial.queued) trial.at_work_since = clock_();
  trial.resumed_share.reset();
  trial.attempts = begun.key.attempt;
  // Where Launch throws, no worker is at work on the attempt; the next run closes it from its empty
  // directory.
  after_commit_.Do([this, begun] { starter_.Launch(begun); });
  events_.OnStarted(trial.id, trial.label(), slot,
                    {.number = trial.attempts,
                     .resumes = !begun.file.resume_from.empty(),
                     .queued = trial.queued});
}

void StudyRunner::LookAtContent(const std::vector<ExecutorEvent>& events) {
  if (watch_ == nullptr || !content_change_.empty()) return;
  // At the end of an epoch too: days of training on what is gone are of no use.
  const bool measured = std::ranges::any_of(events, [](const ExecutorEvent& event) {
    const auto* message = std::get_if<Message>(&event.what);
    return message == nullptr || std::holds_alternative<Evaluated>(*message);
  });
  if (!measured) return;
  content_change_ = watch_->Change().value_or("");
  if (content_change_.empty()) return;
  events_.result().stopped_because = content_change_;
  if (!stopping_) Stop("the study stops: " + content_change_);
}

void StudyRunner::Handle(const ExecutorEvent& event) {
  const auto trial = trials_.find(event.key.trial);
  // Late words of an attempt that is over.
  if (trial == trials_.end() || trial->second.running != event.key) return;
  if (const auto* outcome = std::get_if<AttemptOutcome>(&event.what)) {
    return EndAttempt(trial->second, *outcome);
  }
  if (const auto* begun = std::get_if<AttemptBegun>(&event.what)) {
    trial->second.queued = false;
    trial->second.at_work_since = clock_() - begun->ago;
    store_.NoteBegun(event.key.trial, event.key.attempt, begun->ago);
    return events_.OnBegun(event.key.trial, begun->where);
  }
  const Message& message = std::get<Message>(event.what);
  if (const auto* started = std::get_if<Started>(&message)) {
    store_.SetAttemptProcess(event.key.trial, event.key.attempt, started->pid);
    // Those of an attempt that this one does not go on from would make one curve of two.
    if (started->resumed_examples == 0) store_.ForgetEpochs(event.key.trial);
    OnStarted(trial->second, *started);
  } else if (const auto* evaluated = std::get_if<Evaluated>(&message);
             evaluated != nullptr && content_change_.empty()) {
    store_.RecordEpoch(event.key.trial, evaluated->epoch, !evaluated->earlier);
  }
  events_.OnMessage(event.key.trial, message);
}

void StudyRunner::OnStarted(StudyTrial& trial, const Started& started) {
  early_deaths_.OnStarted();
  trial.resumed_share = ResumedShareOf(started);
  if (started.resumed_examples > trial.resumed_examples) {
    trial.resumed_examples = started.resumed_examples;
    scheduler_.OnTrialMovedOn(trial.id);
  }
  trial.miscounted = Miscounted(trial.size(), {started.parameters, started.size_bytes});
  if (!trial.miscounted) return;
  // Its end is told as a failure: days of training would not make it a result.
  after_commit_.Do(
      [this, key = *trial.running] { executor_.Cancel(key, std::chrono::milliseconds(0)); });
}

AttemptOutcome StudyRunner::Judged(StudyTrial& trial, AttemptOutcome reported) {
  const auto miscounted = std::exchange(trial.miscounted, std::nullopt);
  if (!content_change_.empty()) return Disown(store_, trial.id, reported, content_change_);
  AttemptOutcome outcome = AsCounted(std::move(reported), trial.size());
  if (miscounted) {
    outcome.end = AttemptFailure{.kind = FailureKind::kBadSpec, .message = *miscounted};
  }
  if (!outcome.complete() && !stopping_) {
    outcome.end = early_deaths_.Judged(trial.name, outcome.failure());
  }
  return outcome;
}

void StudyRunner::EndAttempt(StudyTrial& trial, AttemptOutcome reported) {
  const AttemptOutcome outcome = Judged(trial, std::move(reported));
  // Forgotten first, so that Stop below asks no worker that has ended to stop.
  const std::int64_t attempt = std::exchange(trial.running, std::nullopt)->attempt;
  trial.queued = false;
  resources_.GiveBack(trial.id);
  // Before the scheduler hears of the end: it then leaves the trial waiting at no cost instead of
  // trying it again on the same broken machine.
  if (StopsStudy(outcome)) {
    const AttemptFailure& failure = outcome.failure();
    events_.result().stopped_because = failure.message;
    Stop((IsMachineFault(failure.kind) ? "the machine has a fault, the study stops: "
                                       : "the study stops at damaged data: ") +
         failure.message);
  }
  if (!outcome.complete() && outcome.failure().kind == FailureKind::kInterrupted &&
      content_change_.empty() && intake_.IsMeasured(trial)) {
    NotePace(trial);
    return Pause(trial.id, attempt, outcome);
  }
  const AfterAttempt after = scheduler_.OnAttemptEnded(trial.id, outcome);
  store_.FinishAttempt(trial.id, attempt, outcome, after.state);
  if (after.state == TrialState::kComplete) {
    NotePace(trial);
    return Complete(trial.id, outcome.result());
  }
  const AttemptFailure& failure = outcome.failure();
  if (after.state == TrialState::kFailed) return Fail(trial.id, failure);
  if (!after.retry) return events_.OnInterrupted(trial.id, trial.label());
  trial.needs.alone = after.alone;  // the next forecast must not forget it (Learn)
  events_.OnRetry(trial.id, trial.label(), failure);
  Note(trial.label(), "attempt " + std::to_string(attempt) + " ended (" + ToString(failure.kind) +
                          ": " + failure.message + "); it is tried again" +
                          (after.alone ? ", alone on its device" : ""));
}

void StudyRunner::NotePace(const StudyTrial& trial) {
  if (!trial.at_work_since || !trial.resumed_share) return;
  const std::chrono::duration<double> taken = clock_() - *trial.at_work_since;
  pace_.Note(trial.needs, trial.until_share() - *trial.resumed_share, taken.count());
}

void StudyRunner::Pause(TrialId trial, std::int64_t attempt, const AttemptOutcome& outcome) {
  scheduler_.OnTrialWithdrawn(trial);
  store_.FinishAttempt(trial, attempt, outcome, TrialState::kWaiting);
  const StudyTrial paused = std::move(trials_.extract(trial).mapped());
  events_.OnPaused(trial, paused.label(), paused.until_epoch);
  intake_.SettleMeasured(paused);
}

void StudyRunner::Complete(TrialId trial, const TrialResult& result) {
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  Learn(ended.spec.model, result);
  events_.OnComplete(trial, ended.label(), result);
  // Looked up now, within the transaction: afterwards it would be one of its own.
  after_commit_.Do([checkpoints = CheckpointsOf(store_, trial)] { RemoveFiles(checkpoints); });
  intake_.Settle(ended, result);
}

void StudyRunner::Fail(TrialId trial, const AttemptFailure& failure) {
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  events_.OnFailed(trial, ended.label(), failure);
  intake_.SettleFailed(ended);
}

TrialNeeds StudyRunner::NeedsOf(const StudyTrial& trial) {
  // Seeds of a model need the same.
  const auto [known, is_new] = needs_.try_emplace({trial.name, trial.parameters});
  if (is_new) known->second = resources_.Needs(trial.spec.model, trial.parameters);
  return known->second;
}

void StudyRunner::Learn(const ModelSpec& model, const TrialResult& result) {
  resources_.Learn(model, result);
  needs_.clear();
  // After 1, 2, 4, 8, ... results: a thousand trials cost ten rounds over the waiting, not a
  // thousand.
  if (!std::has_single_bit(++learnt_)) return;
  for (auto& [id, trial] : trials_) {
    const bool alone = trial.needs.alone;  // measured, not forecast: it stays
    trial.needs = NeedsOf(trial);
    trial.needs.alone = alone;
    // Of those that run only the length is of use (Ahead).
    if (trial.running || foreign_.contains(id)) continue;
    scheduler_.OnNeedsChanged(id, trial.needs);
  }
}

bool StudyRunner::StopsStudy(const AttemptOutcome& outcome) const {
  // The first reason to stop is the one that the user is told.
  if (outcome.complete() || stopping_) return false;
  const FailureKind kind = outcome.failure().kind;
  const bool bad_data = kind == FailureKind::kBadData && intake_.data().on_error == "stop";
  return bad_data || IsMachineFault(kind);
}

// ---- Interrupts and errors ---------------------------------------------------------------------

void StudyRunner::HeedInterrupts() {
  const int asked = interrupts_.load();
  if (asked == heeded_interrupts_) return;
  if (heeded_interrupts_ == 0) {
    Stop("interrupted: running trials write their checkpoints (again: kill them at once)");
  }
  // Also where both signals came within one turn.
  if (asked > 1) (void)CancelAll(std::chrono::milliseconds(0));
  heeded_interrupts_ = asked;
}

void StudyRunner::Stop(const std::string& why) {
  stopping_ = true;
  events_.OnStopping(why);
  for (const TrialId trial : scheduler_.OnInterrupt()) {
    // One whose attempt has just ended waits for nobody.
    const std::optional<AttemptKey> attempt = trials_.at(trial).running;
    // After the commit, because the attempt may have begun in this very transaction and not be
    // launched yet; its launch was put off earlier and is done first.
    if (attempt)
      after_commit_.Do([this, key = *attempt] { executor_.Cancel(key, settings_.grace); });
  }
}

std::set<AttemptKey> StudyRunner::CancelAll(std::chrono::milliseconds grace) {
  std::set<AttemptKey> at_work;
  for (const auto& [id, trial] : trials_) {
    if (trial.running && executor_.Cancel(*trial.running, grace)) at_work.insert(*trial.running);
  }
  return at_work;
}

void StudyRunner::EndWorkers(const std::string& why) {
  std::set<AttemptKey> at_work = CancelAll(settings_.grace);
  if (at_work.empty()) return;
  events_.OnStopping(why + "; running trials write their checkpoints (Ctrl-C: kill them at once)");
  while (!at_work.empty()) {
    // Every round, for a kill is harmless to repeat.
    if (interrupts_.load() > heeded_interrupts_) (void)CancelAll(std::chrono::milliseconds(0));
    try {
      for (const ExecutorEvent& event : executor_.Poll(settings_.poll)) {
        if (std::holds_alternative<AttemptOutcome>(event.what)) at_work.erase(event.key);
      }
    } catch (const std::exception&) {
      // An end was lost: its attempt must not be waited for.
      at_work = CancelAll(settings_.grace);
    }
  }
}

void StudyRunner::Note(const TrialLabel& label, const std::string& text) {
  NoteOnce(store_, study_, label, text);
}

std::chrono::milliseconds StudyRunner::Wait() const {
  constexpr std::chrono::milliseconds kNone{0};
  if (!stopping_ && intake_.CanAsk(scheduler_.free_slots())) return kNone;
  if (heard_.empty()) return settings_.poll;
  return std::clamp(heard_at_ + kLongestHold - clock_(), kNone, settings_.poll);
}

}  // namespace beamgrid
