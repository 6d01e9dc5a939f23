#include "orchestrator/study/running_attempts.h"

#include <exception>
#include <variant>

namespace beamgrid {
namespace {

/// How soon a wish to hurry is noticed, where nothing wakes the executor.
constexpr std::chrono::milliseconds kPoll{200};

}  // namespace

std::vector<ExecutorEvent> RunningAttempts::Poll(std::chrono::milliseconds wait) {
  std::vector<ExecutorEvent> events = executor_.Poll(wait);
  for (const ExecutorEvent& event : events) {
    if (std::holds_alternative<AttemptOutcome>(event.what)) running_.erase(event.key);
  }
  return events;
}

void RunningAttempts::KillAll() {
  for (const AttemptKey& key : running_) executor_.Cancel(key, std::chrono::milliseconds(0));
}

void RunningAttempts::StopAllAndWait(const std::function<bool()>& hurry) {
  StopAll();
  while (!none()) {
    if (hurry()) KillAll();
    try {
      (void)Poll(kPoll);
    } catch (const std::exception&) {
      StopAll();  // an end was lost: its attempt must not be waited for
    }
  }
}

void RunningAttempts::StopAll() {
  std::erase_if(running_, [this](const AttemptKey& key) { return !executor_.Cancel(key, grace_); });
}

}  // namespace beamgrid
