#pragma once
// Which trial gets which slot, what is retried, when nothing is left. Pure state: On<Event>()
// functions change it, NextStart() says what is to be started now; no clock, process, file or
// database inside. Trials may be added at any time; a finished one is forgotten, so memory follows
// the trials at hand. Every event and every start costs O(log trials + devices^2).
//
// Order: the longest expected first, for what is started last decides when the whole ends; trials
// of one length, and all of them where there is one slot, come first come first served. A trial
// goes to the device with the fewest running. One whose memory is not free yet keeps that device's
// other slots empty until it is: nobody overtakes it there, so large trials do not starve.
//
// What follows from the way an attempt ended (docs/reliability.md has the table):
//   out of memory             once more, alone on its device; then the trial has failed
//   crashed, hung, timed out  as often as `retries` allows
//   diverged, bad spec, data  the trial has failed
//   interrupted, machine's fault  the trial waits again, at no cost

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "registry/outcome.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Slot is room for one worker.
struct Slot {
  std::string device;
  std::int64_t threads = 1;
  /// Slots of one name are the same device; else each has one of its own, as each job of a cluster.
  bool shared = true;
};

/// TrialNeeds is what a trial is expected to need.
struct TrialNeeds {
  /// The bytes on each device, by its name. A device that is missing has room for the trial.
  std::map<std::string, std::int64_t> memory_bytes;
  double seconds = 0;  ///< 0 where nothing is known
  /// The seconds follow from what models of the same components took; else they only tell the
  /// longer trial from the shorter one.
  bool measured = false;
  /// The seconds by what such models took before this run, which knows nothing of how others use
  /// the machine now; 0: none was measured.
  double seconds_before = 0;
  bool alone = false;  ///< it ran out of memory and shares its device with nobody
};

/// StartAttempt is the one command of a scheduler: an attempt of the trial is to begin. Its slot is
/// taken already.
struct StartAttempt {
  TrialId trial{};
  std::size_t slot = 0;  ///< index into slots()
};

/// AfterAttempt says what becomes of the trial whose attempt has ended.
struct AfterAttempt {
  TrialState state = TrialState::kComplete;  ///< complete or failed for good; else it waits again
  bool retry = false;                        ///< another attempt follows in this run
  std::int64_t failed_attempts = 0;          ///< that count against the retries, so far
  bool alone = false;                        ///< the next attempt will have its device for itself
};

/// SchedulerCounts is how many trials are in each state; the last two since the scheduler was made.
struct SchedulerCounts {
  std::int64_t waiting = 0, running = 0, complete = 0, failed = 0;
};

/// True if an attempt that ended this way may succeed when it is made again: not where the trial,
/// its data or its arithmetic is the cause.
[[nodiscard]] bool IsRetryable(FailureKind kind);

/// Scheduler holds the waiting and running trials of a study and decides which attempt begins on
/// which slot. Not thread-safe. Events that make no sense, as the end of a trial that does not run,
/// are bugs of the caller: std::logic_error.
class Scheduler {
 public:
  /// The number of times that a worker may stop as if interrupted though nobody asked, at no cost
  /// of a try.
  static constexpr std::int64_t kFreeRestarts = 20;

  /// Makes a scheduler without trials. `retries`: attempts after the first that a failing trial
  /// gets. `memory`: bytes that the trials of a device may use together; a device that is not in it
  /// has no limit.
  Scheduler(std::vector<Slot> slots, std::int64_t retries,
            const std::map<std::string, std::int64_t>& memory = {});

  /// Adds a trial to run. `failed_attempts`: those of earlier runs that count against the retries.
  void OnTrialAdded(TrialId trial, std::int64_t failed_attempts, const TrialNeeds& needs = {});
  /// Adds a trial whose attempt is at work already, on a free slot of that device. Returns the
  /// slot; nothing, and nothing is added, where there is none.
  [[nodiscard]] std::optional<std::size_t> OnTrialAdopted(TrialId trial,
                                                          std::int64_t failed_attempts,
                                                          const TrialNeeds& needs,
                                                          const std::string& device);
  /// Notes that the trial's work moves on from one attempt to the next: it is none that somebody
  /// ends again and again to no purpose, and may be interrupted as often again.
  void OnTrialMovedOn(TrialId trial);
  /// Frees the slot of the trial's attempt and decides what becomes of the trial. Devices that
  /// refused a trial may be asked again.
  [[nodiscard]] AfterAttempt OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome);
  /// Forgets a trial that was to be started but was not: somebody else has taken it.
  void OnTrialWithdrawn(TrialId trial);
  /// Lets a trial wait again that could not be started because others use the device; nothing is
  /// started there until OnDevicesFreed.
  void OnStartRefused(TrialId trial);
  /// Opens the devices that refused: they may have room again.
  void OnDevicesFreed();
  /// Takes better knowledge of what a trial needs. Nothing changes for one that runs.
  void OnNeedsChanged(TrialId trial, const TrialNeeds& needs);
  /// Starts nothing any more (Ctrl-C). Returns the trials whose attempts are to be cancelled; none
  /// the second time.
  [[nodiscard]] std::vector<TrialId> OnInterrupt();

  /// Returns the next attempt to begin and takes its slot, or nothing while no waiting trial can
  /// start. Asked until it answers nothing, after every event.
  [[nodiscard]] std::optional<StartAttempt> NextStart();

  /// Returns the trials that wait, in the order of the queue, `most` of them at most.
  [[nodiscard]] std::vector<TrialId> Next(std::size_t most) const;

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  /// Returns the number of slots that a further trial could get, memory aside.
  [[nodiscard]] std::int64_t free_slots() const;
  [[nodiscard]] SchedulerCounts counts() const { return counts_; }
  /// True if some device has refused a trial since the last OnDevicesFreed.
  [[nodiscard]] bool refused() const;
  /// True if nothing waits or runs (after an interrupt: if nothing runs).
  [[nodiscard]] bool idle() const;
  /// Throws std::logic_error where a rule is broken: a slot booked twice, counters that do not add
  /// up, memory given twice.
  void SanityCheck() const;

 private:
  /// Device is the slots of one device that are free, and what its running trials hold.
  struct Device {
    std::optional<std::int64_t> memory_bytes;  ///< nothing: no limit
    std::vector<std::size_t> free;             ///< indices of free slots, the lowest last
    std::int64_t running = 0;
    std::int64_t reserved_bytes = 0;  ///< what the running are expected to need
    bool shared = true;               ///< else its slots share nothing
    bool exclusive = false;           ///< a trial has it for itself
    bool refused = false;
  };
  /// Entry is a trial that waits or runs.
  struct Entry {
    std::vector<std::int64_t> memory_bytes;  ///< needed on each of devices_
    double seconds = 0;
    bool alone = false;
    std::optional<std::size_t> slot;  ///< nothing: it waits
    std::int64_t arrival = 0;
    std::int64_t failed_attempts = 0;
    std::int64_t free_restarts = 0;
  };
  /// Place is a waiting trial's position in the queue, which is in the order of the members.
  struct Place {
    double minus_seconds = 0;
    std::int64_t arrival = 0;
    TrialId trial{};
    auto operator<=>(const Place&) const = default;
  };
  /// Fitting says whether a trial's memory counts in the choice of a device.
  enum class Fitting { kNeeded, kIgnored };

  void SetNeeds(const TrialNeeds& needs, Entry* entry) const;
  void Enqueue(TrialId trial, Entry* entry);
  /// Books the device's lowest free slot for the entry and returns it.
  std::size_t TakeSlot(std::size_t device, Entry* entry);
  [[nodiscard]] Place PlaceOf(TrialId trial, const Entry& entry) const;
  [[nodiscard]] bool IsOpen(const Device& device) const;
  [[nodiscard]] bool Fits(std::size_t device, const Entry& entry) const;
  /// Returns the open device with the fewest running that is not in `waited_for`, of those that
  /// have room for the trial where that matters.
  [[nodiscard]] std::optional<std::size_t> Choose(const Entry& entry, Fitting fitting,
                                                  const std::vector<bool>& waited_for) const;
  Device& FreeSlot(Entry* entry);
  /// True if the trial gets another attempt after this failure; notes what it costs.
  [[nodiscard]] bool MayTryAgain(Entry* entry, FailureKind failure) const;
  Entry& Running(TrialId trial);

  std::vector<Slot> slots_;
  std::vector<Device> devices_;
  std::vector<std::size_t> device_of_slot_;
  std::map<std::string, std::size_t> device_indices_;
  std::unordered_map<TrialId, Entry> trials_;
  std::set<Place> queue_;  ///< of the waiting
  std::int64_t arrivals_ = 0;
  std::int64_t retries_;
  bool interrupted_ = false;
  SchedulerCounts counts_;
};

}  // namespace beamgrid
