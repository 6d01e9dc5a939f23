#pragma once
// Which trial gets which slot, what is retried, when nothing is left. Pure state: On<Event>()
// functions that return commands; no clock, process, file or database inside. Trials may be added
// at any time; a finished one is forgotten, so memory follows the trials at hand. Every event costs
// O(log trials + devices).
//
// Order: the longest expected first, for what is started last decides when the whole ends; trials
// of one length, and all of them where there is one slot, first come first served. A trial goes to
// the device with the fewest running. One whose memory is not free yet keeps that device's other
// slots empty until it is: nobody overtakes it there, so large trials do not starve.
//
// What follows from the way an attempt ended (docs/reliability.md has the table):
//   out of memory             once more, alone on its device; then the trial has failed
//   crashed, hung, timed out  as often as `retries` allows
//   diverged, bad spec, data  the trial has failed
//   interrupted, machine's fault  the trial waits again, at no cost

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "registry/outcome.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Room for one worker.
struct Slot {
  std::string device;
  std::int64_t threads = 1;
};

/// What a trial is expected to need.
struct TrialNeeds {
  std::int64_t memory_bytes = 0;  ///< on its device; 0: unknown, fits anywhere
  double seconds = 0;             ///< 0: unknown
  bool alone = false;             ///< ran out of memory: shares its device with nobody
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
  bool alone = false;                ///< it will have its device for itself
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

  /// `retries`: attempts after the first that a failing trial gets. `memory`: bytes that the trials
  /// of a device may use together; a device that is not in it has no limit.
  Scheduler(std::vector<Slot> slots, std::int64_t retries,
            const std::map<std::string, std::int64_t>& memory = {});

  /// A trial to run. `failed_attempts`: those of earlier runs that count against the retries.
  std::vector<Command> OnTrialAdded(TrialId trial, std::int64_t failed_attempts,
                                    const TrialNeeds& needs = {});
  /// The answer starts with what becomes of `trial` (FinishTrial, RetryTrial, or nothing after an
  /// interrupt, when it stays waiting for another day).
  std::vector<Command> OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome);
  /// A trial that was given a slot was not started there: somebody else has taken it. It is
  /// forgotten.
  std::vector<Command> OnTrialWithdrawn(TrialId trial);
  /// A trial that was given a slot could not be started because others use the device: it waits
  /// again, and nothing is started there until OnDevicesFreed.
  std::vector<Command> OnStartRefused(TrialId trial);
  /// Devices that refused may have room again.
  std::vector<Command> OnDevicesFreed();
  /// More is known of what a trial needs. Nothing changes for one that runs.
  std::vector<Command> OnNeedsChanged(TrialId trial, const TrialNeeds& needs);
  /// First Ctrl-C: no new attempts; running ones are cancelled.
  std::vector<Command> OnInterrupt();

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  /// Slots that a further trial could get, memory aside.
  [[nodiscard]] std::int64_t free_slots() const;
  [[nodiscard]] SchedulerCounts counts() const { return counts_; }
  /// Some device has refused a trial since the last OnDevicesFreed.
  [[nodiscard]] bool refused() const;
  /// Nothing waiting or running (after an interrupt: nothing running).
  [[nodiscard]] bool idle() const;
  /// Throws std::logic_error where a rule is broken: a slot booked twice, counters that do not add
  /// up, memory given twice, a trial that waits though it could start.
  void SanityCheck() const;

 private:
  struct Device {
    std::int64_t memory_bytes = 0;   ///< 0: no limit
    std::vector<std::int64_t> free;  ///< indices of free slots, the lowest last
    std::int64_t running = 0;
    std::int64_t reserved_bytes = 0;  ///< what the running are expected to need
    bool exclusive = false;           ///< a trial has it for itself
    bool refused = false;
  };
  struct Entry {
    TrialNeeds needs;
    std::int64_t slot = -1;  ///< -1: waiting
    std::int64_t arrival = 0;
    std::int64_t failed_attempts = 0;
    std::int64_t free_restarts = 0;
  };
  /// A waiting trial's place: in the order of the members.
  struct Place {
    double minus_seconds = 0;
    std::int64_t arrival = 0;
    TrialId trial{};
    auto operator<=>(const Place&) const = default;
  };

  void Enqueue(TrialId trial, Entry* entry);
  [[nodiscard]] Place PlaceOf(TrialId trial, const Entry& entry) const;
  [[nodiscard]] bool IsOpen(const Device& device) const;
  [[nodiscard]] static bool Fits(const Device& device, const TrialNeeds& needs);
  /// The open device with the fewest running of those where `fits`; -1: none.
  [[nodiscard]] std::ptrdiff_t Choose(const std::vector<bool>& waited_for,
                                      const TrialNeeds* fits) const;
  void Fill(std::vector<Command>* commands);
  void Start(TrialId trial, Entry* entry, Device* device, std::vector<Command>* commands);
  Device& FreeSlot(Entry* entry);
  void Finish(TrialId trial, TrialState state, std::vector<Command>* commands);
  /// Whether the trial gets another attempt after this end, and how.
  [[nodiscard]] bool MayTryAgain(Entry* entry, FailureKind failure) const;
  Entry& Running(TrialId trial);

  std::vector<Slot> slots_;
  std::vector<Device> devices_;
  std::vector<std::size_t> device_of_slot_;
  std::unordered_map<TrialId, Entry> trials_;
  std::set<Place> queue_;  ///< the waiting
  std::int64_t arrivals_ = 0;
  std::int64_t retries_;
  bool interrupted_ = false;
  SchedulerCounts counts_;
};

}  // namespace beamgrid
