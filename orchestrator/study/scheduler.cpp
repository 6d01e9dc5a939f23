#include "orchestrator/study/scheduler.h"

#include <algorithm>
#include <functional>
#include <iterator>
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

Scheduler::Scheduler(std::vector<Slot> slots, std::int64_t retries,
                     const std::map<std::string, std::int64_t>& memory)
    : slots_(std::move(slots)), retries_(retries) {
  std::map<std::string, std::size_t> index;
  for (const Slot& slot : slots_) {
    const auto [device, is_new] = index.emplace(slot.device, devices_.size());
    if (is_new) {
      const auto limit = memory.find(slot.device);
      devices_.push_back({.memory_bytes = limit == memory.end() ? 0 : limit->second});
    }
    device_of_slot_.push_back(device->second);
  }
  for (auto slot = static_cast<std::int64_t>(slots_.size()) - 1; slot >= 0; --slot) {
    devices_[device_of_slot_[static_cast<std::size_t>(slot)]].free.push_back(slot);
  }
}

std::vector<Command> Scheduler::OnTrialAdded(TrialId trial, std::int64_t failed_attempts,
                                             const TrialNeeds& needs) {
  const auto [entry, is_new] =
      trials_.emplace(trial, Entry{.needs = needs, .failed_attempts = failed_attempts});
  if (!is_new) Broken(trial, "was added twice");
  Enqueue(trial, &entry->second);
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome) {
  Entry& entry = Running(trial);
  FreeSlot(&entry);
  std::vector<Command> commands;
  if (outcome.complete()) {
    Finish(trial, TrialState::kComplete, &commands);
  } else if (MayTryAgain(&entry, outcome.failure().kind)) {
    Enqueue(trial, &entry);
    if (!interrupted_) {
      commands.emplace_back(RetryTrial{trial, entry.failed_attempts, entry.needs.alone});
    }
  } else {
    Finish(trial, TrialState::kFailed, &commands);
  }
  Fill(&commands);
  return commands;
}

bool Scheduler::MayTryAgain(Entry* entry, FailureKind failure) const {
  const bool blameless = failure == FailureKind::kInterrupted || IsMachineFault(failure);
  if (blameless && (interrupted_ || entry->free_restarts++ < kFreeRestarts)) return true;
  ++entry->failed_attempts;
  if (failure == FailureKind::kOutOfMemory) return !std::exchange(entry->needs.alone, true);
  return IsRetryable(failure) && entry->failed_attempts <= retries_;
}

std::vector<Command> Scheduler::OnTrialWithdrawn(TrialId trial) {
  FreeSlot(&Running(trial));
  trials_.erase(trial);
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnStartRefused(TrialId trial) {
  Entry& entry = Running(trial);
  FreeSlot(&entry).refused = true;
  queue_.insert(PlaceOf(trial, entry));
  ++counts_.waiting;
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnDevicesFreed() {
  for (Device& device : devices_) device.refused = false;
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnNeedsChanged(TrialId trial, const TrialNeeds& needs) {
  Entry& entry = trials_.at(trial);
  if (entry.slot >= 0) return {};
  queue_.erase(PlaceOf(trial, entry));
  entry.needs = needs;
  queue_.insert(PlaceOf(trial, entry));
  std::vector<Command> commands;
  Fill(&commands);
  return commands;
}

std::vector<Command> Scheduler::OnInterrupt() {
  if (std::exchange(interrupted_, true)) return {};
  std::vector<TrialId> running;
  for (const auto& [trial, entry] : trials_) {
    if (entry.slot >= 0) running.push_back(trial);
  }
  std::ranges::sort(running);
  std::vector<Command> commands;
  for (const TrialId trial : running) commands.emplace_back(CancelAttempt{trial});
  return commands;
}

std::int64_t Scheduler::free_slots() const {
  std::int64_t slots = 0;
  for (const Device& device : devices_) {
    if (IsOpen(device)) slots += std::ssize(device.free);
  }
  return slots;
}

bool Scheduler::refused() const { return std::ranges::any_of(devices_, &Device::refused); }

bool Scheduler::idle() const {
  return counts_.running == 0 && (interrupted_ || counts_.waiting == 0);
}

void Scheduler::SanityCheck() const {
  std::vector<Device> seen(devices_.size());
  std::vector<bool> booked(slots_.size());
  std::int64_t waiting = 0;
  for (const auto& [trial, entry] : trials_) {
    if (entry.slot < 0) {
      ++waiting;
      Require(queue_.contains(PlaceOf(trial, entry)), "every waiting trial queues");
      continue;
    }
    const auto slot = static_cast<std::size_t>(entry.slot);
    Require(slot < slots_.size() && !booked[slot], "one trial a slot");
    booked[slot] = true;
    Device& device = seen[device_of_slot_[slot]];
    ++device.running;
    device.reserved_bytes += entry.needs.memory_bytes;
    device.exclusive = device.exclusive || entry.needs.alone;
  }
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    for (const std::int64_t free : device.free) {
      const auto slot = static_cast<std::size_t>(free);
      Require(device_of_slot_.at(slot) == i && !booked[slot], "a free slot is not booked");
      booked[slot] = true;
    }
    Require(std::is_sorted(device.free.rbegin(), device.free.rend()), "free slots are in order");
    Require(device.running == seen[i].running, "the running of a device are counted");
    Require(device.reserved_bytes == seen[i].reserved_bytes, "memory is reserved for the running");
    Require(device.exclusive == seen[i].exclusive, "a device is exclusive while its trial runs");
    Require(!device.exclusive || device.running == 1, "a trial that is to be alone is alone");
    Require(device.memory_bytes == 0 || device.running <= 1 ||
                device.reserved_bytes <= device.memory_bytes,
            "memory is not given twice");
  }
  Require(std::ranges::find(booked, false) == booked.end(), "every slot is booked or free");
  Require(waiting == counts_.waiting && std::ssize(queue_) == waiting, "the waiting are counted");
  Require(std::ssize(trials_) - waiting == counts_.running, "the running are counted");
  if (interrupted_ || queue_.empty()) return;
  const TrialNeeds& first = trials_.at(queue_.begin()->trial).needs;
  Require(Choose({}, &first) < 0, "the first in the queue waits only where it cannot start");
}

void Scheduler::Enqueue(TrialId trial, Entry* entry) {
  entry->arrival = ++arrivals_;
  queue_.insert(PlaceOf(trial, *entry));
  ++counts_.waiting;
}

Scheduler::Place Scheduler::PlaceOf(TrialId trial, const Entry& entry) const {
  const bool order_matters = slots_.size() > 1;
  return {order_matters ? -entry.needs.seconds : 0.0, entry.arrival, trial};
}

bool Scheduler::IsOpen(const Device& device) const {
  return !interrupted_ && !device.free.empty() && !device.exclusive && !device.refused;
}

/// On an empty device anything may be tried.
bool Scheduler::Fits(const Device& device, const TrialNeeds& needs) {
  if (device.running == 0) return true;
  if (needs.alone) return false;
  return device.memory_bytes == 0 ||
         device.reserved_bytes + needs.memory_bytes <= device.memory_bytes;
}

std::ptrdiff_t Scheduler::Choose(const std::vector<bool>& waited_for,
                                 const TrialNeeds* fits) const {
  std::ptrdiff_t chosen = -1;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    if (!IsOpen(device) || (!waited_for.empty() && waited_for[i])) continue;
    if (fits != nullptr && !Fits(device, *fits)) continue;
    if (chosen >= 0 && devices_[static_cast<std::size_t>(chosen)].running <= device.running) {
      continue;
    }
    chosen = static_cast<std::ptrdiff_t>(i);
  }
  return chosen;
}

void Scheduler::Fill(std::vector<Command>* commands) {
  std::vector<bool> waited_for(devices_.size());
  for (auto next = queue_.begin(); next != queue_.end();) {
    const std::ptrdiff_t open = Choose(waited_for, nullptr);
    if (open < 0) return;
    Entry& entry = trials_.at(next->trial);
    const std::ptrdiff_t chosen = Choose(waited_for, &entry.needs);
    if (chosen < 0) {
      waited_for[static_cast<std::size_t>(open)] = true;
      ++next;
      continue;
    }
    const TrialId trial = next->trial;
    next = queue_.erase(next);
    Start(trial, &entry, &devices_[static_cast<std::size_t>(chosen)], commands);
  }
}

void Scheduler::Start(TrialId trial, Entry* entry, Device* device, std::vector<Command>* commands) {
  entry->slot = device->free.back();
  device->free.pop_back();
  ++device->running;
  device->reserved_bytes += entry->needs.memory_bytes;
  device->exclusive = entry->needs.alone;
  --counts_.waiting;
  ++counts_.running;
  commands->emplace_back(StartAttempt{trial, entry->slot});
}

Scheduler::Device& Scheduler::FreeSlot(Entry* entry) {
  Device& device = devices_[device_of_slot_[static_cast<std::size_t>(entry->slot)]];
  device.free.insert(
      std::lower_bound(device.free.begin(), device.free.end(), entry->slot, std::greater<>()),
      entry->slot);
  --device.running;
  device.reserved_bytes -= entry->needs.memory_bytes;
  device.exclusive = false;
  entry->slot = -1;
  --counts_.running;
  return device;
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
