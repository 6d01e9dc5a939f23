#include "orchestrator/scheduler.h"

#include <algorithm>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

[[noreturn]] void Broken(TrialId trial, const std::string& why) {
  throw std::logic_error("scheduler: trial " + std::to_string(static_cast<std::int64_t>(trial)) +
                         " " + why);
}

void Require(bool holds, const char* rule) {
  if (!holds) throw std::logic_error(std::string("scheduler: broken rule: ") + rule);
}

}  // namespace

bool IsRetryable(FailureKind kind) {
  switch (kind) {
    case FailureKind::kDiverged:
    case FailureKind::kBadSpec:
    case FailureKind::kBadData:
      return false;
    case FailureKind::kCrashed:
    case FailureKind::kOutOfMemory:
    case FailureKind::kTimedOut:
    case FailureKind::kHung:
    case FailureKind::kStartFailed:
    case FailureKind::kEnvironment:
    case FailureKind::kInterrupted:
      return true;
  }
  return false;
}

Scheduler::Scheduler(std::vector<Slot> slots, std::int64_t retries)
    : slots_(std::move(slots)), retries_(retries) {
  for (auto slot = static_cast<std::int64_t>(slots_.size()) - 1; slot >= 0; --slot) {
    free_.push_back(slot);
  }
}

std::vector<Command> Scheduler::OnTrialAdded(TrialId trial, std::int64_t failed_attempts) {
  if (!trials_.emplace(trial, Entry{.failed_attempts = failed_attempts}).second) {
    Broken(trial, "was added twice");
  }
  queue_.push_back(trial);
  ++counts_.waiting;
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome) {
  Entry& entry = Running(trial);
  FreeSlot(&entry);
  std::vector<Command> commands;
  if (outcome.complete) {
    Finish(trial, TrialState::kComplete, &commands);
    Fill(&commands);
    return commands;
  }
  const bool blameless =
      outcome.failure == FailureKind::kInterrupted || IsMachineFault(outcome.failure);
  const bool free_restart = blameless && (interrupted_ || entry.free_restarts++ < kFreeRestarts);
  if (!free_restart) ++entry.failed_attempts;
  if (!free_restart && (!IsRetryable(outcome.failure) || entry.failed_attempts > retries_)) {
    Finish(trial, TrialState::kFailed, &commands);
  } else {
    queue_.push_back(trial);
    ++counts_.waiting;
    if (!interrupted_) commands.emplace_back(RetryTrial{trial, entry.failed_attempts});
  }
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnTrialWithdrawn(TrialId trial) {
  FreeSlot(&Running(trial));
  trials_.erase(trial);
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnInterrupt() {
  if (std::exchange(interrupted_, true)) return {};
  std::vector<Command> commands;
  for (const auto& [trial, entry] : trials_) {
    if (entry.slot >= 0) commands.emplace_back(CancelAttempt{trial});
  }
  return commands;
}

std::int64_t Scheduler::free_slots() const { return static_cast<std::int64_t>(free_.size()); }

bool Scheduler::idle() const {
  return counts_.running == 0 && (interrupted_ || counts_.waiting == 0);
}

void Scheduler::SanityCheck() const {
  std::set<std::int64_t> booked;
  std::int64_t waiting = 0;
  for (const auto& [trial, entry] : trials_) {
    if (entry.slot < 0) {
      ++waiting;
    } else {
      Require(booked.insert(entry.slot).second, "one trial a slot");
    }
  }
  for (const std::int64_t slot : free_) {
    Require(slot >= 0 && slot < static_cast<std::int64_t>(slots_.size()), "slots exist");
    Require(booked.insert(slot).second, "a free slot is not booked and listed once");
  }
  Require(booked.size() == slots_.size(), "every slot is booked or free");
  Require(std::is_sorted(free_.rbegin(), free_.rend()), "free slots are in order");
  Require(waiting == counts_.waiting, "the waiting are counted");
  Require(static_cast<std::int64_t>(trials_.size()) - waiting == counts_.running,
          "the running are counted");
  Require(std::set<TrialId>(queue_.begin(), queue_.end()).size() == queue_.size() &&
              static_cast<std::int64_t>(queue_.size()) == waiting,
          "every waiting trial queues once");
  for (const TrialId trial : queue_) {
    const auto entry = trials_.find(trial);
    Require(entry != trials_.end() && entry->second.slot < 0, "only waiting trials queue");
  }
  Require(interrupted_ || free_.empty() || queue_.empty(), "no slot is free while a trial waits");
}

void Scheduler::Fill(std::vector<Command>* commands) {
  while (!interrupted_ && !free_.empty() && !queue_.empty()) {
    const TrialId trial = queue_.front();
    queue_.pop_front();
    trials_.at(trial).slot = free_.back();
    commands->emplace_back(StartAttempt{trial, free_.back()});
    free_.pop_back();
    --counts_.waiting;
    ++counts_.running;
  }
}

void Scheduler::FreeSlot(Entry* entry) {
  free_.insert(std::lower_bound(free_.begin(), free_.end(), entry->slot, std::greater<>()),
               entry->slot);
  entry->slot = -1;
  --counts_.running;
}

void Scheduler::Finish(TrialId trial, TrialState state, std::vector<Command>* commands) {
  trials_.erase(trial);
  ++(state == TrialState::kComplete ? counts_.complete : counts_.failed);
  commands->emplace_back(FinishTrial{trial, state});
}

Scheduler::Entry& Scheduler::Running(TrialId trial) {
  const auto entry = trials_.find(trial);
  if (entry == trials_.end()) Broken(trial, "is not known: it was never added or has finished");
  if (entry->second.slot < 0) Broken(trial, "has no attempt running");
  return entry->second;
}

}  // namespace beamgrid
