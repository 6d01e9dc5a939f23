#pragma once
// One worker of the local executor: its process and, while it has one, its attempt with messages
// and deadlines.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/line_splitter.h"
#include "orchestrator/workers/memory_kills.h"
#include "orchestrator/workers/patience.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/processor_use.h"

namespace beamgrid {

/// WorkerRules is what a worker is allowed: how long it may be silent and how much it may say.
struct WorkerRules {
  std::chrono::milliseconds silence{60'000};
  std::chrono::milliseconds idle{30'000};  ///< kept without an attempt for at most so long
  std::size_t longest_line = 1 << 20;
};

/// WorkerTask is what a worker is to carry out, and who hears of it.
struct WorkerTask {
  std::filesystem::path directory;
  std::chrono::milliseconds timeout{0};  ///< 0: none
  std::function<void(Message)> on_message;
  std::function<void(AttemptOutcome)> on_end;  ///< after the last message
};

/// Countdown is a Patience on the loop. Its handlers that are still queued when it goes do nothing.
class Countdown {
 public:
  explicit Countdown(boost::asio::io_context& loop) : timer_(loop) {}

  /// Begins a period, in the place of one that runs. `on_over` is called at its end, and again a
  /// step later for as long as the period is over and it returns false.
  void Start(std::chrono::milliseconds period, Patience::Late late, std::function<bool()> on_over);
  /// Begins the period again.
  void StartAnew() { patience_->StartAnew(std::chrono::steady_clock::now()); }
  [[nodiscard]] bool IsOver() const { return patience_->IsOver(); }
  [[nodiscard]] std::chrono::milliseconds Step() const { return patience_->Step(); }

 private:
  void Wait();

  boost::asio::steady_timer timer_;
  std::function<bool()> on_over_;
  std::shared_ptr<Patience> patience_;  ///< the only owner: the handlers' token of life
};

/// WorkerProcess is owned by the executor's pool until its process is reaped. Its handlers run on
/// the pool's loop; those that are still queued when it, or the attempt that they belong to, goes
/// see that their token of life has expired. Not thread-safe.
class WorkerProcess {
 public:
  /// Takes over a child that was just started, without an attempt. `kills` must outlive it.
  WorkerProcess(boost::asio::io_context& loop, ChildProcess child, const WorkerRules& rules,
                MemoryKills& kills);
  /// Kills the worker's whole process group if it was not reaped.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// True if the worker has an attempt to carry out.
  [[nodiscard]] bool HasAttempt() const { return attempt_ != nullptr; }
  /// True if the worker waits for an attempt.
  [[nodiscard]] bool IsIdle() const { return !attempt_ && input_.get() >= 0; }

  /// Tells a waiting worker the directory of its next attempt; false where it does not listen.
  /// What it may still have said of the attempt before is dropped.
  [[nodiscard]] bool Tell(const std::filesystem::path& directory);
  /// Begins the attempt of a worker that was told, or that knows it from its command line.
  void Begin(WorkerTask task);

  /// Sends SIGTERM at once and SIGKILL after `grace` (at once where it is 0). May be repeated with
  /// less grace. Only with an attempt.
  void Stop(StopReason reason, const std::string& detail, std::chrono::milliseconds grace);

  /// True if the process has ended: reaps it, reads what it still had to say, and ends the attempt
  /// that it had. Throws Error where the outcome cannot be read, and where what it had started for
  /// the attempt cannot be killed.
  [[nodiscard]] bool Reap();

 private:
  /// Reading is what one read of the worker's output came to.
  enum class Reading { kSome, kNothingNow, kEnd };

  /// Attempt is what the worker carries out, with its deadlines. It is shared with nobody: handlers
  /// hold weak pointers to it, as their token of life.
  struct Attempt {
    Attempt(boost::asio::io_context& loop, WorkerTask given)
        : task(std::move(given)), timeout(loop), silence(loop), grace(loop) {}
    WorkerTask task;
    Countdown timeout, silence, grace;
    std::optional<ProcessorUse> use;  ///< a step ago, where it is silent for too long
    std::int64_t memory_kills = 0;    ///< when it began
    WorkerEnd end;
  };

  void ReadMore();
  Reading ReadOnce();
  void Hear(Message message);
  void WatchTimeout();
  void WatchSilence();
  void EndAttempt(int exit_code);
  void WaitForMore();
  void Signal(int signal) const;
  void DrainOutput();

  boost::asio::io_context& loop_;
  WorkerRules rules_;
  MemoryKills& kills_;
  pid_t pid_;
  bool reaped_ = false;
  UniqueFd input_;  ///< none: it does not take directories
  boost::asio::posix::stream_descriptor output_;
  LineSplitter lines_;
  std::vector<char> buffer_;
  std::shared_ptr<Attempt> attempt_;  ///< null: it has none; the only owner
  boost::asio::steady_timer idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace beamgrid
