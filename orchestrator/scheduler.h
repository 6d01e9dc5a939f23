#pragma once
// Which trial gets which slot, what is retried, when nothing is left. Pure state: On<Event>()
// functions that return commands; no clock, process, file or database inside. Trials may be added
// at any time; a finished one is forgotten, so memory follows the trials at hand. Every event costs
// O(log n).

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "registry/outcome.h"
#include "registry/store.h"

namespace beamgrid {

/// Room for one worker.
struct Slot {
  std::string device;
  std::int64_t threads = 1;
};

struct StartAttempt {
  TrialId trial{};
  std::int64_t slot = 0;  ///< index into the slots given to the constructor
};
struct FinishTrial {  ///< no attempt will follow
  TrialId trial{};
  TrialState state = TrialState::kComplete;
};
struct CancelAttempt {
  TrialId trial{};
};
/// An attempt ended without a result; another one follows (the trial waits again).
struct RetryTrial {
  TrialId trial{};
  std::int64_t failed_attempts = 0;  ///< that counted so far
};
using Command = std::variant<StartAttempt, FinishTrial, CancelAttempt, RetryTrial>;

struct SchedulerCounts {
  std::int64_t waiting = 0, running = 0, complete = 0, failed = 0;
};

/// Whether an attempt that ended this way may succeed when it is made again: not where the trial,
/// its data or its arithmetic is the cause.
[[nodiscard]] bool IsRetryable(FailureKind kind);

class Scheduler {
 public:
  /// A worker that stops as if interrupted though nobody asked costs no try, but only this often.
  static constexpr std::int64_t kFreeRestarts = 20;

  /// `retries`: attempts after the first that a failing trial gets.
  Scheduler(std::vector<Slot> slots, std::int64_t retries);

  /// A trial to run. `failed_attempts`: those of earlier runs that count against the retries.
  std::vector<Command> OnTrialAdded(TrialId trial, std::int64_t failed_attempts);
  /// The answer starts with what becomes of `trial` (FinishTrial, RetryTrial, or nothing after an
  /// interrupt, when it stays waiting for another day).
  std::vector<Command> OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome);
  /// A trial that was given a slot was not started there: somebody else has taken it. It is
  /// forgotten.
  std::vector<Command> OnTrialWithdrawn(TrialId trial);
  /// First Ctrl-C: no new attempts; running ones are cancelled.
  std::vector<Command> OnInterrupt();

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  [[nodiscard]] std::int64_t free_slots() const;
  [[nodiscard]] SchedulerCounts counts() const { return counts_; }
  /// Nothing waiting or running (after an interrupt: nothing running).
  [[nodiscard]] bool idle() const;
  /// Throws std::logic_error where a rule is broken: a slot booked twice, counters that do not add
  /// up, a trial that waits while a slot is free.
  void SanityCheck() const;

 private:
  struct Entry {
    std::int64_t slot = -1;  ///< -1: waiting
    std::int64_t failed_attempts = 0;
    std::int64_t free_restarts = 0;
  };
  void Fill(std::vector<Command>* commands);
  void FreeSlot(Entry* entry);
  void Finish(TrialId trial, TrialState state, std::vector<Command>* commands);
  Entry& Running(TrialId trial);

  std::vector<Slot> slots_;
  std::vector<std::int64_t> free_;  ///< indices of free slots, the lowest last
  std::map<TrialId, Entry> trials_;
  std::deque<TrialId> queue_;  ///< waiting, first come first served
  std::int64_t retries_;
  bool interrupted_ = false;
  SchedulerCounts counts_;
};

}  // namespace beamgrid
