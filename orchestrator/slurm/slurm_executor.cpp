#include "orchestrator/slurm/slurm_executor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

/// The time between two turns: reports are read again.
constexpr milliseconds kShortStep{20}, kLongStep{100};
/// Above so many pilots a turn is made more rarely: each costs an open of its reports.
constexpr std::size_t kManyPilots = 64;

}  // namespace

SlurmExecutor::SlurmExecutor(SlurmClient& client, SlurmExecutorOptions options)
    : options_(std::move(options)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      attempts_(client, options_, [this] { Wake(); }) {
  if (wake_.get() < 0) throw SystemError("an eventfd", "cannot be made", errno);
}

SlurmExecutor::~SlurmExecutor() = default;

void SlurmExecutor::Submit(const AttemptKey& key, const std::filesystem::path& directory,
                           const Placement& placement, milliseconds timeout) {
  attempts_.Submit(key, directory, placement, timeout);
}

bool SlurmExecutor::Cancel(const AttemptKey& key, milliseconds grace) {
  return attempts_.Cancel(key, grace);
}

std::vector<ExecutorEvent> SlurmExecutor::Poll(milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    attempts_.Turn();
    if (attempts_.has_events()) break;
    const milliseconds step = attempts_.pilots().size() > kManyPilots ? kLongStep : kShortStep;
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || Sleep(std::min(left, step))) break;
  }
  return attempts_.TakeEvents();
}

bool SlurmExecutor::Sleep(milliseconds most) const {
  pollfd woken{.fd = wake_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&woken, 1, static_cast<int>(most.count())) <= 0) return false;
  std::uint64_t count = 0;
  return ::read(wake_.get(), &count, sizeof count) == sizeof count;
}

void SlurmExecutor::Wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

AttemptOutcome SlurmExecutor::Reconcile(const AttemptKey& key,
                                        const std::filesystem::path& directory,
                                        std::int64_t /*pid*/) {
  return attempts_.Reconcile(key, directory);
}

bool SlurmExecutor::CanAdopt(const AttemptKey& /*key*/, const std::filesystem::path& directory) {
  return attempts_.CanAdopt(directory);
}

void SlurmExecutor::Adopt(const AttemptKey& key, const std::filesystem::path& directory) {
  attempts_.Adopt(key, directory);
}

std::string SlurmExecutor::QueuedFor() const {
  const std::string& reason = attempts_.pilots().waits_for();
  return "Slurm" + (reason.empty() ? "" : ": " + reason);
}

}  // namespace beamgrid
