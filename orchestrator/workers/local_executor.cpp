#include "orchestrator/workers/local_executor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <list>
#include <utility>

#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/memory_kills.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/surviving_worker.h"
#include "orchestrator/workers/worker_environment.h"
#include "orchestrator/workers/worker_process.h"
#include "registry/util/half_written.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

UniqueFd OpenLog(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kWorkerLog;
  // Appended to: a worker that serves opens the file once more, and neither writes over the other.
  // Close-on-exec: only the worker itself gets it, as its standard error.
  UniqueFd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (log.get() < 0) throw SystemError(path, "cannot write", errno);
  return log;
}

UniqueFd MakeEvent() {
  // Non-blocking: a counter that is full (it is woken already) must not hold up a signal handler.
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event.get() < 0) throw SystemError("an eventfd", "cannot be made", errno);
  return event;
}

}  // namespace

class LocalExecutor::Pool {
 public:
  explicit Pool(LocalExecutorOptions options)
      : options_(std::move(options)),
        wake_fd_(MakeEvent()),
        // A second descriptor: Asio closes the one that it is given.
        wake_(loop_, ::dup(wake_fd_.get())),
        child_ended_(loop_, SIGCHLD) {
    AllowManyOpenFiles();
    WatchWake();
    WatchChildren();
  }

  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout) {
    try {
      if (FindWorker(key) != workers_.end()) {
        throw Error("attempt submitted twice: " + directory.string());
      }
      Worker& worker = Engage(directory, placement);
      worker.key = key;
      worker.process.Begin(
          {.directory = directory,
           .timeout = timeout,
           .on_message = [this, key](Message message) { Add(key, std::move(message)); },
           .on_end = [this, key](AttemptOutcome outcome) { Add(key, std::move(outcome)); }});
    } catch (const Error& error) {
      // A machine without descriptors or memory would fail every trial in turn; a fault of the
      // environment stops the study instead.
      const bool machine = IsMachineFault(SystemCode(error));
      Add(key, AttemptOutcome{AttemptFailure{
                   .kind = machine ? FailureKind::kEnvironment : FailureKind::kStartFailed,
                   .message = error.what()}});
    }
  }

  bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) {
    const auto worker = FindWorker(key);
    if (worker == workers_.end()) return false;
    worker->process.Stop(StopReason::kCancelled, {}, grace);
    return true;
  }

  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) {
    // Asio's loop stops for good where it ran out of handlers.
    loop_.restart();
    woken_ = false;
    const auto deadline = std::chrono::steady_clock::now() + wait;
    while (events_.empty() && !woken_ && loop_.run_one_until(deadline) > 0) {
    }
    // What else is ready comes along: many ends of short trials then share a transaction.
    for (int turn = 0; turn < kMostTurns && loop_.poll_one() > 0; ++turn) {
    }
    return std::exchange(events_, {});
  }

  /// Makes Poll return early. Only write(2): safe in a signal handler.
  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
  }

 private:
  /// The number of handlers that run after the first event of a Poll: bounded, so that a worker
  /// that floods us cannot keep the runner from its other work.
  static constexpr int kMostTurns = 1000;

  void WatchWake() {
    // Reading sets the counter back to 0; else it would be ready for ever.
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

  struct Worker {
    Worker(boost::asio::io_context& loop, ChildProcess child, Placement where,
           const WorkerRules& rules, MemoryKills& kills)
        : placement(std::move(where)), process(loop, std::move(child), rules, kills) {}
    Placement placement;  ///< its environment and its device's memory follow from it
    AttemptKey key;       ///< of its attempt, or of its last one
    WorkerProcess process;
  };
  // A list: handlers hold the addresses of the workers.
  using Workers = std::list<Worker>;

  template <typename What>
  void Add(const AttemptKey& key, What what) {
    events_.push_back({key, std::move(what)});
  }

  Workers::iterator FindWorker(const AttemptKey& key) {
    return std::find_if(workers_.begin(), workers_.end(), [&](const Worker& worker) {
      return worker.key == key && worker.process.HasAttempt();
    });
  }

  /// Returns a worker that knows its directory: one that waits, or else a new one.
  Worker& Engage(const std::filesystem::path& directory, const Placement& placement) {
    // Also for a worker that waits, which opens the log itself: a directory that cannot be written
    // is found out before anybody is sent there.
    const UniqueFd log = OpenLog(directory);
    // A directory is a line to a worker that serves.
    if (directory.native().find('\n') != std::string::npos) {
      return Start({"train", directory.string()}, placement, log);
    }
    if (placement.alone) EndIdle(placement.device);
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      // Threads and device are fixed when the libraries start, by the environment.
      const bool fits = worker->process.IsIdle() && worker->placement.device == placement.device &&
                        worker->placement.threads == placement.threads;
      if (fits && !worker->process.Reap() && worker->process.Tell(directory)) return *worker;
      worker = fits ? workers_.erase(worker) : std::next(worker);  // it died while it waited
    }
    std::vector<std::string> serve = {"serve"};
    if (options_.life == WorkerLife::kOneAttempt) serve.emplace_back("--fork");
    Worker& worker = Start(serve, placement, log);
    (void)worker.process.Tell(directory);  // where it is dead already, its end tells
    return worker;
  }

  /// Ends the workers that wait on the device: they hold memory, on a GPU some hundred megabytes.
  void EndIdle(const std::string& device) {
    std::erase_if(workers_, [&](const Worker& worker) {
      return worker.process.IsIdle() && worker.placement.device == device;
    });
  }

  Worker& Start(const std::vector<std::string>& arguments, const Placement& placement,
                const UniqueFd& log) {
    ProcessRequest request{.arguments = {options_.trainer.string()},
                           .environment = WorkerEnvironment(options_.environment, placement.threads,
                                                            options_.processor_flags),
                           .stderr_fd = log.get(),
                           .socket_stdin = arguments.front() == "serve",
                           .memory_pressure = MemoryPressure::kFirstToGo};
    request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
    return workers_.emplace_back(
        loop_, StartProcess(request), placement,
        WorkerRules{options_.silence, options_.idle, options_.longest_line}, kills_);
  }

  /// Takes in every child that has ended: one SIGCHLD may stand for several.
  void ReapAll() {
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      worker = worker->process.Reap() ? workers_.erase(worker) : std::next(worker);
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
  MemoryKills kills_;
  Workers workers_;
};

WorkerLife WorkerLifeFrom(const std::vector<std::string>& environment) {
  const bool fresh =
      std::ranges::find(environment, "BEAMGRID_FRESH_WORKERS=1") != environment.end();
  return fresh ? WorkerLife::kOneAttempt : WorkerLife::kManyAttempts;
}

LocalExecutor::LocalExecutor(LocalExecutorOptions options)
    : pool_(std::make_unique<Pool>(std::move(options))) {}
LocalExecutor::~LocalExecutor() = default;

void LocalExecutor::Submit(const AttemptKey& key, const std::filesystem::path& directory,
                           const Placement& placement, std::chrono::milliseconds timeout) {
  pool_->Submit(key, directory, placement, timeout);
}

bool LocalExecutor::Cancel(const AttemptKey& key, std::chrono::milliseconds grace) {
  return pool_->Cancel(key, grace);
}

std::vector<ExecutorEvent> LocalExecutor::Poll(std::chrono::milliseconds wait) {
  return pool_->Poll(wait);
}

void LocalExecutor::Wake() { pool_->Wake(); }

AttemptOutcome LocalExecutor::Reconcile(const AttemptKey& /*key*/,
                                        const std::filesystem::path& directory,
                                        std::int64_t /*pid*/) {
  // First: a worker that still writes would change the files while they are judged.
  KillSurvivingWorker(directory);
  // Temporary files of writes that were cut off; nobody else would ever remove them.
  RemoveHalfWritten(directory);
  return OutcomeOf(directory, {});
}

}  // namespace beamgrid
