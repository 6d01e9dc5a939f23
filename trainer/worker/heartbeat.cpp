#include "trainer/worker/heartbeat.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "registry/util/text.h"
#include "trainer/worker/log.h"

namespace beamgrid::trainer {
namespace {

std::string StallMessage(const std::string& work, std::chrono::duration<double> still,
                         const std::string& where) {
  return "the " + work + " has stood still for " + SecondsText(still) + where +
         ": a GPU, a file system or a component does not answer; where a batch may take so long, "
         "raise resources.stall_timeout";
}

Watch WatchOf(Messenger& messenger, const TrialFile& trial) {
  return {.work = "training",
          .interval_seconds = trial.heartbeat_seconds,
          .stall_seconds = trial.stall_seconds,
          .on_beat = [&messenger] { messenger.Send(Heartbeat{}); },
          .on_stall =
              [&messenger](const std::string& why) {
                // Before the log, whose file may be what does not answer.
                messenger.Send(Failed{.kind = FailureKind::kHung, .message = why});
                LogError(why);
              }};
}

}  // namespace

HeartbeatThread::HeartbeatThread(Watch watch)
    : watch_(std::move(watch)),
      interval_(watch_.interval_seconds),
      longest_still_(watch_.stall_seconds),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

HeartbeatThread::HeartbeatThread(Messenger& messenger, const TrialFile& trial)
    : HeartbeatThread(WatchOf(messenger, trial)) {}

void HeartbeatThread::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  // A wait that the destructor's stop ends at once, where a sleep would hold it up for an interval.
  while (!wake_.wait_for(lock, stop, interval_, [&] { return stop.stop_requested(); })) {
    if (StandsStill()) GiveUp();
    watch_.on_beat();
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
  const std::int64_t epoch = epoch_;
  const bool has_begun = seen_ticks_ > 1;  // the first tick is that of the data
  const std::string where = epoch > 0   ? " in epoch " + std::to_string(epoch)
                            : has_begun ? ""
                                        : " before its first batch";
  watch_.on_stall(StallMessage(watch_.work, still_, where));
  // Not exit(): destructors would wait for the thread that does not move.
  ::_exit(static_cast<int>(TrainerExit::kBroken));
}

}  // namespace beamgrid::trainer
