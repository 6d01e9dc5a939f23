#pragma once
// Which trial gets which slot, what is retried, when the study is done. Pure state: On<Event>()
// functions that return commands; no clock, process, file or database inside.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/executor.h"

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
using Command = std::variant<StartAttempt, FinishTrial, CancelAttempt>;

struct SchedulerCounts {
  std::int64_t waiting = 0, running = 0, complete = 0, failed = 0;
};

class Scheduler {
 public:
  Scheduler(std::vector<Slot> slots, std::int64_t retries);

  /// A trial to run. `failed_attempts`: those of earlier runs that count against the retries.
  std::vector<Command> OnTrialAdded(TrialId trial, std::int64_t failed_attempts);
  std::vector<Command> OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome);
  /// First Ctrl-C: no new attempts; running ones are cancelled.
  std::vector<Command> OnInterrupt();

  [[nodiscard]] std::int64_t free_slots() const;
  [[nodiscard]] SchedulerCounts counts() const;
  [[nodiscard]] bool idle()
      const;  ///< nothing waiting or running (after an interrupt: nothing running)
  /// Throws std::logic_error where a rule is broken: a slot booked twice, counters that do not add
  /// up.
  void SanityCheck() const;

 private:
  enum class Phase { kWaiting, kRunning, kDone };
  struct Entry {
    Phase phase = Phase::kWaiting;
    std::int64_t failed_attempts = 0;
    std::int64_t slot = -1;
  };
  std::vector<Command> Fill();

  std::vector<Slot> slots_;
  std::vector<std::optional<TrialId>> booked_;
  std::map<TrialId, Entry> trials_;
  std::vector<TrialId> queue_;  ///< waiting, in order
  std::size_t next_ = 0;
  std::int64_t retries_;
  bool interrupted_ = false;
  SchedulerCounts counts_;
};

}  // namespace beamgrid
