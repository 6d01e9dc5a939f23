// StudyRunner: turns, start and end.

#include "orchestrator/study/study_runner.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include "orchestrator/study/trial_history.h"

namespace beamgrid {

StudyRunner::StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         RunnerSettings settings, RunnerParts parts)
    : recipe_(recipe),
      settings_(std::move(settings)),
      clock_(std::move(parts.clock)),
      store_(*parts.store),
      executor_(*parts.executor),
      running_(executor_, settings_.grace),
      intake_(recipe, catalogue, std::move(data), &store_, *parts.counter, settings_.slots.size()),
      resources_(parts.resources != nullptr ? *parts.resources : no_limits_),
      scheduler_(settings_.slots, recipe.resources.retries, settings_.memory),
      starter_(recipe, settings_.runs, store_, executor_),
      abandoned_(store_, executor_, settings_.database, recipe.name),
      after_commit_(store_),
      display_(*parts.display, after_commit_),
      events_(recipe, display_) {}

StudyResult StudyRunner::Run() {
  try {
    return CarryOut();
  } catch (const std::exception& error) {
    EndWorkers(error.what());
    throw;
  }
}

void StudyRunner::Interrupt() {
  interrupts_.fetch_add(1);
  executor_.Wake();
}

StudyResult StudyRunner::CarryOut() {
  Open();
  while (true) {
    HeedInterrupts();
    AskForTrials();
    LookAtOtherStudies();
    resources_.SetWaiting(scheduler_.counts().waiting);
    events_.Show(scheduler_.counts().waiting, clock_() - started_);
    if (Done()) return Finish();
    const std::vector<ExecutorEvent> events = running_.Poll(Wait());
    if (events.empty()) continue;
    Record([&] {
      for (const ExecutorEvent& event : events) Handle(event);
    });
  }
}

void StudyRunner::Record(const std::function<void()>& work) {
  after_commit_.Together([&] {
    work();
    while (const std::optional<StartAttempt> start = scheduler_.NextStart()) Begin(*start);
  });
}

void StudyRunner::Open() {
  started_ = clock_();
  events_.result().study = study_ = store_.OpenStudy({.name = recipe_.name,
                                                      .description = recipe_.description,
                                                      .objective = recipe_.objective->name,
                                                      .recipe_text = recipe_.text,
                                                      .recipe_digest = RecipeDigest(recipe_)});
  for (const TrialRecord& trial : store_.Trials(study_)) members_.insert(trial.id);
  CloseAbandoned([this](TrialId trial) { return members_.contains(trial); });
}

bool StudyRunner::Done() const {
  if (!scheduler_.idle()) return false;
  if (stopping_) return true;
  if (!foreign_.empty() || !intake_.exhausted()) return false;
  if (!intake_.strategy().finished()) {
    throw std::logic_error("the strategy is not finished but asks for nothing");
  }
  return true;
}

StudyResult StudyRunner::Finish() {
  StudyResult& result = events_.result();
  result.decisions = intake_.strategy().Decisions();
  result.interrupted = heeded_interrupts_ > 0;
  const bool failed = result.failed > 0 || !result.stopped_because.empty();
  result.exit_code = result.interrupted ? 130 : failed ? 1 : 0;
  return std::move(result);
}

void StudyRunner::HeedInterrupts() {
  const int asked = interrupts_.load();
  if (asked == heeded_interrupts_) return;
  if (heeded_interrupts_ == 0) {
    Stop("interrupted: running trials write their checkpoints (again: kill them at once)");
  }
  if (asked > 1) running_.KillAll();
  heeded_interrupts_ = asked;
}

void StudyRunner::Stop(const std::string& why) {
  stopping_ = true;
  events_.OnStopping(why);
  for (const TrialId trial : scheduler_.OnInterrupt()) {
    // One whose attempt has just ended waits for nobody.
    const std::optional<AttemptKey> attempt = trials_.at(trial).running;
    if (attempt) after_commit_.Do([this, key = *attempt] { running_.Stop(key); });
  }
}

void StudyRunner::EndWorkers(const std::string& why) {
  if (running_.none()) return;
  events_.OnStopping(why + "; running trials write their checkpoints (Ctrl-C: kill them at once)");
  running_.StopAllAndWait([this] { return interrupts_.load() > heeded_interrupts_; });
}

void StudyRunner::Note(const TrialLabel& label, const std::string& text) {
  NoteOnce(store_, study_, label, text);
}

std::chrono::milliseconds StudyRunner::Wait() const {
  const bool more = !stopping_ && intake_.CanAsk(scheduler_.free_slots());
  return more ? std::chrono::milliseconds(0) : settings_.poll;
}

}  // namespace beamgrid
