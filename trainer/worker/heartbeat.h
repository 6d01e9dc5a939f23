#pragma once
// A thread that vouches for the process to the orchestrator, for as long as the training moves.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "trainer/worker/messenger.h"

namespace beamgrid::trainer {

/// HeartbeatThread sends a Heartbeat in each interval from a thread of its own, also while a step
/// or an evaluation takes long. A training thread that does not move any more (a wedged GPU or file
/// system, a deadlock) cannot be unwound, so the process then ends where it stands: a Failed
/// message (kHung), exit code kBroken. Time in which the whole process was stopped does not count.
class HeartbeatThread {
 public:
  HeartbeatThread(Messenger& messenger, const TrialFile& trial);

  /// Says that the training moves. The training thread calls it for each batch; it is watched from
  /// the first call on. May be called from any thread, as may AtEpoch.
  void Tick() { ++ticks_; }
  /// Says which epoch is trained, 1-based, for the message; 0: none yet.
  void AtEpoch(std::int64_t epoch) { epoch_ = epoch; }

 private:
  using Seconds = std::chrono::duration<double>;

  void Run(const std::stop_token& stop);
  [[nodiscard]] bool StandsStill();
  [[noreturn]] void GiveUp();

  Messenger& messenger_;
  Seconds interval_, longest_still_;
  std::atomic<std::int64_t> ticks_ = 0, epoch_ = 0;
  std::int64_t seen_ticks_ = 0;
  Seconds still_{0};  ///< the time since the last tick, in whole intervals
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it uses the members above
};

}  // namespace beamgrid::trainer
