#include "orchestrator/local_executor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <utility>

#include "orchestrator/attempt_files.h"
#include "orchestrator/process.h"
#include "orchestrator/surviving_worker.h"
#include "orchestrator/worker_environment.h"
#include "orchestrator/worker_process.h"
#include "registry/error.h"

namespace beamgrid {
namespace {

UniqueFd OpenLog(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kWorkerLog;
  UniqueFd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (log.get() < 0) throw Error("cannot write " + path.string() + ": " + std::strerror(errno));
  return log;
}

UniqueFd MakeEvent() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event.get() < 0) throw Error(std::string("cannot make an eventfd: ") + std::strerror(errno));
  return event;
}

}  // namespace

class LocalExecutor::Pool {
 public:
  explicit Pool(LocalExecutorOptions options)
      : options_(std::move(options)),
        wake_fd_(MakeEvent()),
        wake_(loop_, ::dup(wake_fd_.get())),
        child_ended_(loop_, SIGCHLD) {
    WatchWake();
    WatchChildren();
  }

  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout) {
    try {
      const UniqueFd log = OpenLog(directory);
      ChildProcess child =
          StartProcess({.arguments = {options_.trainer.string(), "train", directory.string()},
                        .environment = WorkerEnvironment(options_.environment, placement.threads,
                                                         options_.processor_flags),
                        .stderr_fd = log.get()});
      const WorkerLimits limits{timeout, options_.silence, options_.longest_line};
      const auto [worker, added] = workers_.try_emplace(
          key, loop_, std::move(child), directory, limits,
          [this, key](Message message) { events_.push_back({key, std::move(message)}); });
      if (!added) throw Error("attempt submitted twice: " + directory.string());
    } catch (const Error& error) {
      events_.push_back(
          {key, AttemptOutcome{.failure = FailureKind::kStartFailed, .message = error.what()}});
    }
  }

  void Cancel(const AttemptKey& key, std::chrono::milliseconds grace) {
    const auto worker = workers_.find(key);
    if (worker != workers_.end()) worker->second.Stop(StopReason::kCancelled, {}, grace);
  }

  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) {
    loop_.restart();
    woken_ = false;
    const auto deadline = std::chrono::steady_clock::now() + wait;
    while (events_.empty() && !woken_ && loop_.run_one_until(deadline) > 0) {
    }
    for (int turn = 0; turn < kMostTurns && loop_.poll_one() > 0; ++turn) {
    }
    return std::exchange(events_, {});
  }

  /// Only write(2): safe in a signal handler.
  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
  }

 private:
  /// Handlers run after the first event of a Poll: bounded, so that a worker that floods us cannot
  /// keep the runner from its other work.
  static constexpr int kMostTurns = 1000;

  void WatchWake() {
    wake_.async_read_some(boost::asio::buffer(wake_count_),
                          [this](boost::system::error_code error, std::size_t) {
                            if (error) return;
                            woken_ = true;
                            WatchWake();
                          });
  }

  void WatchChildren() {
    child_ended_.async_wait([this](boost::system::error_code error, int) {
      if (error) return;
      ReapAll();
      WatchChildren();
    });
  }

  /// One SIGCHLD may stand for several children.
  void ReapAll() {
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      std::optional<AttemptOutcome> outcome = worker->second.Reap();
      if (outcome) {
        events_.push_back({worker->first, std::move(*outcome)});
        worker = workers_.erase(worker);
      } else {
        ++worker;
      }
    }
  }

  LocalExecutorOptions options_;
  boost::asio::io_context loop_;
  UniqueFd wake_fd_;
  boost::asio::posix::stream_descriptor wake_;
  std::array<char, sizeof(std::uint64_t)> wake_count_{};
  bool woken_ = false;
  boost::asio::signal_set child_ended_;
  std::vector<ExecutorEvent> events_;
  std::map<AttemptKey, WorkerProcess> workers_;
};

LocalExecutor::LocalExecutor(LocalExecutorOptions options)
    : pool_(std::make_unique<Pool>(std::move(options))) {}
LocalExecutor::~LocalExecutor() = default;

void LocalExecutor::Submit(const AttemptKey& key, const std::filesystem::path& directory,
                           const Placement& placement, std::chrono::milliseconds timeout) {
  pool_->Submit(key, directory, placement, timeout);
}

void LocalExecutor::Cancel(const AttemptKey& key, std::chrono::milliseconds grace) {
  pool_->Cancel(key, grace);
}

std::vector<ExecutorEvent> LocalExecutor::Poll(std::chrono::milliseconds wait) {
  return pool_->Poll(wait);
}

void LocalExecutor::Wake() { pool_->Wake(); }

AttemptOutcome LocalExecutor::Reconcile(const AttemptKey& /*key*/,
                                        const std::filesystem::path& directory, std::int64_t pid) {
  KillSurvivingWorker(directory, pid);
  return OutcomeOf(directory, {});
}

}  // namespace beamgrid
