#include "tests/support/scheduler_simulation.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

/// A quarter of the trials takes ten times as long as the others, as with recurrent layers.
double RandomSeconds(std::mt19937_64& random) {
  std::uniform_real_distribution<> spread(0.5, 1.5);
  return (random() % 4 == 0 ? 1000.0 : 100.0) * spread(random);
}

FailureKind RandomFault(std::mt19937_64& random) {
  constexpr FailureKind kFaults[] = {FailureKind::kCrashed,     FailureKind::kHung,
                                     FailureKind::kTimedOut,    FailureKind::kCrashed,
                                     FailureKind::kDiverged,    FailureKind::kBadSpec,
                                     FailureKind::kBadData,     FailureKind::kStartFailed,
                                     FailureKind::kEnvironment, FailureKind::kInterrupted};
  return kFaults[random() % std::size(kFaults)];
}

}  // namespace

SimulationResult SchedulerSimulation::Run(OwnRules rules) {
  rules_ = rules;
  for (std::int64_t device = 0; device < settings_.devices; ++device) {
    const std::string name = "cuda:" + std::to_string(device);
    for (std::int64_t slot = 0; slot < settings_.slots_per_device; ++slot) {
      slots_.push_back({name, 1});
    }
    if (settings_.memory_bytes > 0) memory_[name] = settings_.memory_bytes;
  }
  std::uniform_real_distribution<> error(-1, 1);
  for (std::int64_t i = 0; i < settings_.trials; ++i) {
    Trial trial{.seconds = RandomSeconds(random_)};
    trial.memory_bytes = 1 + static_cast<std::int64_t>(random_() % 1000);
    if (settings_.forecasts) trial.forecast_seconds = trial.seconds * std::exp2(error(random_));
    trial.forecast_bytes = static_cast<std::int64_t>(static_cast<double>(trial.memory_bytes) *
                                                     std::exp2(error(random_) / 2));
    record_.push_back(trial);
  }
  StartOrchestrator();
  while (next_ < record_.size() || !asked_.empty()) {
    ++result_.events;
    if (Happens(settings_.death_rate)) {
      Die();
    } else if (Happens(settings_.interrupt_rate)) {
      BeInterrupted();
    } else if (scheduler_->refused() && (pool_.empty() || Happens(0.2))) {
      scheduler_->OnDevicesFreed();
      BeginAll();
    } else {
      Must(!pool_.empty(), "something runs while trials wait");
      EndOne();
    }
    AddTrials();
    CheckRules();
  }
  Must(scheduler_->idle(), "nothing is left at the end");
  for (const Trial& trial : record_) Must(trial.end != End::kOpen, "no trial is lost");
  result_.seconds = clock_;
  return result_;
}

void SchedulerSimulation::StartOrchestrator() {
  scheduler_.emplace(slots_, settings_.retries, memory_);
  asked_.clear();
  next_ = 0;
  AddTrials();
}

void SchedulerSimulation::AddTrials() {
  while (next_ < record_.size() && std::ssize(asked_) < settings_.window) {
    const Trial& trial = record_[next_++];
    if (trial.end != End::kOpen) continue;
    const TrialId id{static_cast<std::int64_t>(next_)};
    asked_.insert(id);
    scheduler_->OnTrialAdded(id, trial.failed_attempts, NeedsOf(trial));
    BeginAll();
  }
}

TrialNeeds SchedulerSimulation::NeedsOf(const Trial& trial) const {
  TrialNeeds needs{.seconds = trial.forecast_seconds, .alone = trial.must_be_alone};
  for (const auto& [device, bytes] : memory_) needs.memory_bytes[device] = trial.forecast_bytes;
  return needs;
}

void SchedulerSimulation::BeginAll() {
  while (const std::optional<StartAttempt> start = scheduler_->NextStart()) {
    if (Happens(settings_.refusal_rate)) {
      ++result_.refusals;
      scheduler_->OnStartRefused(start->trial);
    } else if (Happens(settings_.withdrawn_rate)) {
      record_[static_cast<std::size_t>(start->trial) - 1].end = End::kElsewhere;
      ++result_.elsewhere;
      asked_.erase(start->trial);
      scheduler_->OnTrialWithdrawn(start->trial);
    } else {
      Begin(start->trial, start->slot);
    }
  }
}

void SchedulerSimulation::Begin(TrialId id, std::size_t slot) {
  const Trial& trial = record_[static_cast<std::size_t>(id) - 1];
  Must(trial.end == End::kOpen, "nothing that has ended is started");
  Must(live_.insert(id).second, "one live attempt a trial");
  std::int64_t neighbours = 0, promised = trial.forecast_bytes;
  for (const auto& [other, attempt] : pool_) {
    if (DeviceOf(other) != DeviceOf(slot)) continue;
    const Trial& neighbour = record_[static_cast<std::size_t>(attempt.trial) - 1];
    Must(!neighbour.must_be_alone, "who must be alone gets no neighbour");
    ++neighbours;
    promised += neighbour.forecast_bytes;
  }
  Must(!trial.must_be_alone || neighbours == 0, "who must be alone starts alone");
  Must(neighbours == 0 || settings_.memory_bytes == 0 || promised <= settings_.memory_bytes,
       "memory is promised once");
  const std::int64_t number = ++result_.attempts;
  const AttemptOutcome outcome = FateOf(trial, slot);
  Must(pool_.emplace(slot, Attempt{id, number, outcome}).second, "one attempt a slot");
  const double share =
      outcome.complete() ? 1 : std::uniform_real_distribution<>(0.01, 0.9)(random_);
  due_.push({clock_ + trial.seconds * share, slot, number});
}

AttemptOutcome SchedulerSimulation::FateOf(const Trial& trial, std::size_t slot) {
  std::int64_t used = trial.memory_bytes;
  for (const auto& [other, attempt] : pool_) {
    if (DeviceOf(other) != DeviceOf(slot)) continue;
    used += record_[static_cast<std::size_t>(attempt.trial) - 1].memory_bytes;
  }
  if (settings_.memory_bytes > 0 && used > settings_.memory_bytes) {
    return {AttemptFailure{.kind = FailureKind::kOutOfMemory}};
  }
  if (Happens(settings_.fault_rate)) return {AttemptFailure{.kind = RandomFault(random_)}};
  return {TrialResult{}};
}

void SchedulerSimulation::EndOne() {
  Due due = due_.top();
  due_.pop();
  while (!pool_.contains(due.slot) || pool_.at(due.slot).number != due.number) {
    due = due_.top();  // of an attempt that died with its orchestrator
    due_.pop();
  }
  clock_ = std::max(clock_, due.time);
  const Attempt attempt = pool_.at(due.slot);
  pool_.erase(due.slot);
  live_.erase(attempt.trial);
  Record(attempt.trial, attempt.outcome);
  const AfterAttempt after = scheduler_->OnAttemptEnded(attempt.trial, attempt.outcome);
  Trial& trial = record_[static_cast<std::size_t>(attempt.trial) - 1];
  Must((after.state == TrialState::kComplete) == attempt.outcome.complete(),
       "a trial is complete where its attempt is");
  if (after.state == TrialState::kWaiting) {
    Must(after.retry, "nothing is left waiting without an interrupt");
    Must(!trial.hopeless, "what cannot succeed is not tried again");
    Must(after.alone == trial.must_be_alone, "who ran out of memory is alone");
  } else {
    asked_.erase(attempt.trial);
  }
  if (after.state == TrialState::kFailed) {
    const FailureKind kind = attempt.outcome.failure().kind;
    Must(trial.hopeless || trial.failed_attempts > settings_.retries ||
             kind == FailureKind::kInterrupted || IsMachineFault(kind),
         "a trial fails only when its tries are used up");
    trial.end = End::kFailed;
    ++result_.failed;
  }
  BeginAll();
}

/// What the record and the rules say after an attempt, reckoned without the scheduler.
void SchedulerSimulation::Record(TrialId id, const AttemptOutcome& outcome) {
  Trial& trial = record_[static_cast<std::size_t>(id) - 1];
  Must(trial.end == End::kOpen, "no trial ends twice");
  if (outcome.complete()) {
    trial.end = End::kComplete;
    ++result_.complete;
    return;
  }
  const FailureKind kind = outcome.failure().kind;
  if (kind == FailureKind::kInterrupted || IsMachineFault(kind)) return;
  ++trial.failed_attempts;
  if (kind == FailureKind::kOutOfMemory) {
    ++result_.out_of_memory;
    trial.hopeless = trial.must_be_alone;
    trial.must_be_alone = true;
  } else {
    trial.hopeless = !IsRetryable(kind) || trial.failed_attempts > settings_.retries;
  }
}

/// Workers die with their orchestrator; some have just written their result.
void SchedulerSimulation::FinishOpen(bool completes) {
  for (const auto& [slot, attempt] : pool_) {
    live_.erase(attempt.trial);
    if (completes && attempt.outcome.complete() && Happens(0.3)) {
      Record(attempt.trial, attempt.outcome);
    }
  }
  pool_.clear();
}

void SchedulerSimulation::Die() {
  ++result_.deaths;
  FinishOpen(true);
  StartOrchestrator();
}

void SchedulerSimulation::BeInterrupted() {
  ++result_.interrupts;
  Must(scheduler_->OnInterrupt().size() == pool_.size(),
       "an interrupt cancels what runs, and only that");
  Must(scheduler_->OnInterrupt().empty(), "a second interrupt has nothing to cancel");
  const std::unordered_map<std::size_t, Attempt> running = std::exchange(pool_, {});
  for (const auto& [slot, attempt] : running) {
    live_.erase(attempt.trial);
    const bool completes = attempt.outcome.complete() && Happens(0.3);
    const AttemptOutcome outcome =
        completes ? attempt.outcome
                  : AttemptOutcome{AttemptFailure{.kind = FailureKind::kInterrupted}};
    Record(attempt.trial, outcome);
    const AfterAttempt after = scheduler_->OnAttemptEnded(attempt.trial, outcome);
    Must(!after.retry, "nothing is tried again after an interrupt");
  }
  Must(!scheduler_->NextStart(), "nothing starts after an interrupt");
  Must(scheduler_->idle(), "an interrupted study comes to rest");
  StartOrchestrator();
}

void SchedulerSimulation::CheckRules() const {
  const SchedulerCounts counts = scheduler_->counts();
  Must(counts.running == std::ssize(pool_), "what runs is counted");
  Must(counts.running + counts.waiting == std::ssize(asked_), "every trial waits, runs or ended");
  Must(live_.size() == pool_.size(), "every live attempt has its slot");
  if (rules_ == OwnRules::kChecked) scheduler_->SanityCheck();
}

std::string SchedulerSimulation::DeviceOf(std::size_t slot) const { return slots_.at(slot).device; }

void SchedulerSimulation::Must(bool holds, const std::string& rule) const {
  if (holds) return;
  throw std::logic_error("simulation of seed " + std::to_string(settings_.seed) + ", event " +
                         std::to_string(result_.events) + ": broken rule: " + rule);
}

}  // namespace beamgrid
