#include "trainer/worker/heartbeat.h"

#include <unistd.h>

#include <string>

#include "registry/util/text.h"
#include "trainer/worker/log.h"

namespace beamgrid::trainer {
namespace {

std::string StallMessage(std::chrono::duration<double> still, std::int64_t epoch) {
  return "the training has stood still for " + SecondsText(still) + " " +
         (epoch == 0 ? "before its first batch" : "in epoch " + std::to_string(epoch)) +
         ": a GPU, a file system or a component does not answer; where a batch may take so long, "
         "raise resources.stall_timeout";
}

}  // namespace

HeartbeatThread::HeartbeatThread(Messenger& messenger, const TrialFile& trial)
    : messenger_(messenger),
      interval_(trial.heartbeat_seconds),
      longest_still_(trial.stall_seconds),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void HeartbeatThread::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  // A wait that the destructor's stop ends at once, where a sleep would hold it up for an interval.
  while (!wake_.wait_for(lock, stop, interval_, [&] { return stop.stop_requested(); })) {
    if (StandsStill()) GiveUp();
    messenger_.Send(Heartbeat{});
  }
}

// Counts intervals instead of reading a clock: while the whole process is stopped (SIGSTOP, a
// suspended machine) a clock goes on, but no interval passes.
bool HeartbeatThread::StandsStill() {
  const std::int64_t ticks = ticks_;
  const bool moved = ticks != seen_ticks_;
  seen_ticks_ = ticks;
  // Before the first tick the data are opened and counted, which may take any time.
  still_ = moved || ticks == 0 ? Seconds(0) : still_ + interval_;
  return longest_still_.count() > 0 && still_ >= longest_still_;
}

void HeartbeatThread::GiveUp() {
  const std::string message = StallMessage(still_, epoch_);
  // Before the log, whose file may be what does not answer.
  messenger_.Send(Failed{.kind = FailureKind::kHung, .message = message});
  LogError(message);
  // Not exit(): destructors would wait for the thread that does not move.
  ::_exit(static_cast<int>(TrainerExit::kBroken));
}

}  // namespace beamgrid::trainer
