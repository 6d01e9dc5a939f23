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
  for (const Slot& slot : slots_) {
    const auto [device, is_new] = device_indices_.emplace(slot.device, devices_.size());
    if (is_new) {
      const auto limit = memory.find(slot.device);
      devices_.emplace_back().shared = slot.shared;
      if (limit != memory.end()) devices_.back().memory_bytes = limit->second;
    }
    device_of_slot_.push_back(device->second);
  }
  // Backwards: the free slots of a device are a stack with the lowest on top.
  for (std::size_t slot = slots_.size(); slot-- > 0;) {
    devices_[device_of_slot_[slot]].free.push_back(slot);
  }
}

void Scheduler::OnTrialAdded(TrialId trial, std::int64_t failed_attempts, const TrialNeeds& needs) {
  const auto [entry, is_new] = trials_.emplace(trial, Entry{.failed_attempts = failed_attempts});
  if (!is_new) Broken(trial, "was added twice");
  SetNeeds(needs, &entry->second);
  Enqueue(trial, &entry->second);
}

std::optional<std::size_t> Scheduler::OnTrialAdopted(TrialId trial, std::int64_t failed_attempts,
                                                     const TrialNeeds& needs,
                                                     const std::string& device) {
  const auto index = device_indices_.find(device);
  if (index == device_indices_.end() || !IsOpen(devices_[index->second])) return std::nullopt;
  Entry entry{.failed_attempts = failed_attempts};
  SetNeeds(needs, &entry);
  if (!Fits(index->second, entry)) return std::nullopt;
  const auto [added, is_new] = trials_.emplace(trial, std::move(entry));
  if (!is_new) Broken(trial, "was added twice");
  return TakeSlot(index->second, &added->second);
}

void Scheduler::OnTrialMovedOn(TrialId trial) { Running(trial).free_restarts = 0; }

AfterAttempt Scheduler::OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome) {
  Entry& entry = Running(trial);
  FreeSlot(&entry);
  OnDevicesFreed();
  const bool again = !outcome.complete() && MayTryAgain(&entry, outcome.failure().kind);
  AfterAttempt after{.state = TrialState::kWaiting,
                     .retry = again && !interrupted_,
                     .failed_attempts = entry.failed_attempts,
                     .alone = entry.alone};
  if (again) {
    Enqueue(trial, &entry);
    return after;
  }
  after.state = outcome.complete() ? TrialState::kComplete : TrialState::kFailed;
  ++(outcome.complete() ? counts_.complete : counts_.failed);
  trials_.erase(trial);
  return after;
}

bool Scheduler::MayTryAgain(Entry* entry, FailureKind failure) const {
  // A worker that somebody ends from outside, again and again, would else be started for ever.
  const bool blameless = failure == FailureKind::kInterrupted || IsMachineFault(failure);
  if (blameless && (interrupted_ || entry->free_restarts++ < kFreeRestarts)) return true;
  ++entry->failed_attempts;
  // Whatever `retries` says: the first time its neighbours may have had the memory, alone on the
  // device only the trial itself can have been too large.
  if (failure == FailureKind::kOutOfMemory) return !std::exchange(entry->alone, true);
  return IsRetryable(failure) && entry->failed_attempts <= retries_;
}

void Scheduler::OnTrialWithdrawn(TrialId trial) {
  FreeSlot(&Running(trial));
  trials_.erase(trial);
}

void Scheduler::OnStartRefused(TrialId trial) {
  Entry& entry = Running(trial);
  // Not Enqueue: the trial keeps its arrival, or a busy device would send it behind all others.
  FreeSlot(&entry).refused = true;
  queue_.insert(PlaceOf(trial, entry));
  ++counts_.waiting;
}

void Scheduler::OnDevicesFreed() {
  for (Device& device : devices_) device.refused = false;
}

void Scheduler::OnNeedsChanged(TrialId trial, const TrialNeeds& needs) {
  Entry& entry = trials_.at(trial);
  if (entry.slot) return;
  // The place follows from the needs: it must be taken out under the old ones.
  queue_.erase(PlaceOf(trial, entry));
  SetNeeds(needs, &entry);
  queue_.insert(PlaceOf(trial, entry));
}

std::vector<TrialId> Scheduler::OnInterrupt() {
  std::vector<TrialId> running;
  if (std::exchange(interrupted_, true)) return running;
  for (const auto& [trial, entry] : trials_) {
    if (entry.slot) running.push_back(trial);
  }
  // The map has no order, and the same study shall stop in the same order.
  std::ranges::sort(running);
  return running;
}

std::optional<StartAttempt> Scheduler::NextStart() {
  // A trial that fits nowhere yet keeps the device that it would get free of those behind it.
  std::vector<bool> waited_for(devices_.size());
  for (auto next = queue_.begin(); next != queue_.end(); ++next) {
    Entry& entry = trials_.at(next->trial);
    // Without regard to memory the answer is the same for all behind it: none of them can start.
    const auto open = Choose(entry, Fitting::kIgnored, waited_for);
    if (!open) return std::nullopt;
    const auto chosen = Choose(entry, Fitting::kNeeded, waited_for);
    if (!chosen) {
      waited_for[*open] = true;
      continue;
    }
    const TrialId trial = next->trial;
    --counts_.waiting;
    queue_.erase(next);
    return StartAttempt{trial, TakeSlot(*chosen, &entry)};
  }
  return std::nullopt;
}

std::int64_t Scheduler::free_slots() const {
  std::int64_t slots = 0;
  for (const Device& device : devices_) {
    if (IsOpen(device)) slots += std::ssize(device.free);
  }
  return slots;
}

bool Scheduler::refused() const { return std::ranges::any_of(devices_, &Device::refused); }

std::vector<TrialId> Scheduler::Next(std::size_t most) const {
  std::vector<TrialId> next;
  for (const Place& place : queue_) {
    if (next.size() == most) break;
    next.push_back(place.trial);
  }
  return next;
}

bool Scheduler::idle() const {
  return counts_.running == 0 && (interrupted_ || counts_.waiting == 0);
}

void Scheduler::SanityCheck() const {
  std::vector<Device> seen(devices_.size());
  std::vector<bool> booked(slots_.size());
  std::int64_t waiting = 0;
  for (const auto& [trial, entry] : trials_) {
    if (!entry.slot) {
      ++waiting;
      Require(queue_.contains(PlaceOf(trial, entry)), "every waiting trial queues");
      continue;
    }
    Require(*entry.slot < slots_.size() && !booked[*entry.slot], "one trial a slot");
    booked[*entry.slot] = true;
    const std::size_t index = device_of_slot_[*entry.slot];
    Device& device = seen[index];
    ++device.running;
    device.reserved_bytes += entry.memory_bytes[index];
    device.exclusive = device.exclusive || (entry.alone && devices_[index].shared);
  }
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    for (const std::size_t slot : device.free) {
      Require(device_of_slot_.at(slot) == i && !booked[slot], "a free slot is not booked");
      booked[slot] = true;
    }
    Require(std::is_sorted(device.free.rbegin(), device.free.rend()), "free slots are in order");
    Require(device.running == seen[i].running, "the running of a device are counted");
    Require(device.reserved_bytes == seen[i].reserved_bytes, "memory is reserved for the running");
    Require(device.exclusive == seen[i].exclusive, "a device is exclusive while its trial runs");
    Require(!device.exclusive || device.running == 1, "a trial that is to be alone is alone");
    // One trial alone may need more than there is: it is tried, for a forecast can be too high.
    Require(!device.memory_bytes || !device.shared || device.running <= 1 ||
                device.reserved_bytes <= *device.memory_bytes,
            "memory is not given twice");
  }
  Require(std::ranges::find(booked, false) == booked.end(), "every slot is booked or free");
  Require(waiting == counts_.waiting && std::ssize(queue_) == waiting, "the waiting are counted");
  Require(std::ssize(trials_) - waiting == counts_.running, "the running are counted");
}

void Scheduler::SetNeeds(const TrialNeeds& needs, Entry* entry) const {
  // By index, not by name: NextStart adds and compares these for each trial that it passes.
  entry->memory_bytes.assign(devices_.size(), 0);
  for (const auto& [device, bytes] : needs.memory_bytes) {
    const auto index = device_indices_.find(device);
    if (index != device_indices_.end()) entry->memory_bytes[index->second] = bytes;
  }
  entry->seconds = needs.seconds;
  entry->alone = needs.alone;
}

std::size_t Scheduler::TakeSlot(std::size_t index, Entry* entry) {
  Device& device = devices_[index];
  entry->slot = device.free.back();
  device.free.pop_back();
  ++device.running;
  device.reserved_bytes += entry->memory_bytes[index];
  device.exclusive = entry->alone && device.shared;
  ++counts_.running;
  return *entry->slot;
}

void Scheduler::Enqueue(TrialId trial, Entry* entry) {
  entry->arrival = ++arrivals_;
  queue_.insert(PlaceOf(trial, *entry));
  ++counts_.waiting;
}

Scheduler::Place Scheduler::PlaceOf(TrialId trial, const Entry& entry) const {
  // With one slot the sum of the times is the same in any order, so the strategy's is kept.
  const bool order_matters = slots_.size() > 1;
  return {order_matters ? -entry.seconds : 0.0, entry.arrival, trial};
}

bool Scheduler::IsOpen(const Device& device) const {
  return !interrupted_ && !device.free.empty() && !device.exclusive && !device.refused;
}

bool Scheduler::Fits(std::size_t index, const Entry& entry) const {
  const Device& device = devices_[index];
  // On an empty device anything may be tried; where nothing is shared each finds its own empty.
  if (device.running == 0 || !device.shared) return true;
  if (entry.alone) return false;
  return !device.memory_bytes ||
         device.reserved_bytes + entry.memory_bytes[index] <= *device.memory_bytes;
}

std::optional<std::size_t> Scheduler::Choose(const Entry& entry, Fitting fitting,
                                             const std::vector<bool>& waited_for) const {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (!IsOpen(devices_[i]) || waited_for[i]) continue;
    if (fitting == Fitting::kNeeded && !Fits(i, entry)) continue;
    // Among equals the first of the recipe.
    if (chosen && devices_[*chosen].running <= devices_[i].running) continue;
    chosen = i;
  }
  return chosen;
}

Scheduler::Device& Scheduler::FreeSlot(Entry* entry) {
  const std::size_t slot = *std::exchange(entry->slot, std::nullopt);
  const std::size_t index = device_of_slot_[slot];
  Device& device = devices_[index];
  // In its place, so that the lowest free slot is always the next: the same events give the same
  // slots.
  device.free.insert(std::ranges::lower_bound(device.free, slot, std::greater<>()), slot);
  --device.running;
  device.reserved_bytes -= entry->memory_bytes[index];
  device.exclusive = false;
  --counts_.running;
  return device;
}

Scheduler::Entry& Scheduler::Running(TrialId trial) {
  const auto entry = trials_.find(trial);
  if (entry == trials_.end()) Broken(trial, "is not known: it was never added or has finished");
  if (!entry->second.slot) Broken(trial, "has no attempt running");
  return entry->second;
}

}  // namespace beamgrid
