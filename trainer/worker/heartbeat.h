#pragma once
// A thread that vouches for the process to the orchestrator, for as long as its work moves.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "trainer/worker/messenger.h"

namespace beamgrid::trainer {

/// Watch is what is watched, how, and who hears of it. The functions are called from the thread.
struct Watch {
  std::string work;                                      ///< "training", for the message
  double interval_seconds = 2;                           ///< time between two beats
  double stall_seconds = 0;                              ///< longest time between two ticks; 0: any
  std::function<void()> on_beat;                         ///< in each interval
  std::function<void(const std::string& why)> on_stall;  ///< before the process ends
};

/// HeartbeatThread gives a sign of life in each interval from a thread of its own, also while a
/// step or an evaluation takes long. A working thread that does not move any more (a wedged GPU or
/// file system, a deadlock) cannot be unwound, so the process then ends where it stands, with exit
/// code kBroken. Time in which the whole process was stopped does not count.
class HeartbeatThread {
 public:
  /// Calls on_beat and on_stall of `watch`.
  explicit HeartbeatThread(Watch watch);
  /// For a training: sends a Heartbeat in each interval, and a Failed (kHung) before the end.
  HeartbeatThread(Messenger& messenger, const TrialFile& trial);

  /// Says that the work moves. The working thread calls it for each batch; it is watched from
  /// the first call on. May be called from any thread, as may AtEpoch.
  void Tick() { ++ticks_; }
  /// Says which epoch is trained, 1-based, for the message; 0: none yet.
  void AtEpoch(std::int64_t epoch) { epoch_ = epoch; }

 private:
  using Seconds = std::chrono::duration<double>;

  void Run(const std::stop_token& stop);
  [[nodiscard]] bool StandsStill();
  [[noreturn]] void GiveUp();

  Watch watch_;
  Seconds interval_, longest_still_;
  std::atomic<std::int64_t> ticks_ = 0, epoch_ = 0;
  std::int64_t seen_ticks_ = 0;
  Seconds still_{0};  ///< the time since the last tick, in whole intervals
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it uses the members above
};

}  // namespace beamgrid::trainer
