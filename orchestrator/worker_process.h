#pragma once
// One worker of the local executor: its process, its messages, its deadlines.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "orchestrator/attempt_files.h"
#include "orchestrator/executor.h"
#include "orchestrator/line_splitter.h"
#include "orchestrator/process.h"

namespace beamgrid {

struct WorkerLimits {
  std::chrono::milliseconds timeout{0};  ///< 0: none
  std::chrono::milliseconds silence{60'000};
  std::size_t longest_line = 1 << 20;
};

/// Owned by the executor's pool until it is reaped. Its handlers run on the pool's loop; those that
/// are still queued when it goes see that its token of life has expired.
class WorkerProcess {
 public:
  using OnMessage = std::function<void(Message)>;

  /// Takes over a child that was just started in `directory`.
  WorkerProcess(boost::asio::io_context& loop, ChildProcess child, std::filesystem::path directory,
                const WorkerLimits& limits, OnMessage on_message);
  /// Kills the worker's whole process group if it was not reaped.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// SIGTERM now, SIGKILL after `grace` (at once where it is 0). May be repeated with less grace.
  void Stop(StopReason reason, const std::string& detail, std::chrono::milliseconds grace);

  /// The outcome if the process has ended (reaps it, reads what it still had to say), else nothing.
  [[nodiscard]] std::optional<AttemptOutcome> Reap();

 private:
  enum class Reading { kSome, kNothingNow, kEnd };

  void ReadMore();
  Reading ReadOnce();
  void Hear(std::string_view bytes);
  void WatchSilence();
  void Signal(int signal) const;
  void DrainOutput();

  pid_t pid_;
  bool reaped_ = false;
  std::filesystem::path directory_;
  WorkerLimits limits_;
  OnMessage on_message_;
  boost::asio::posix::stream_descriptor output_;
  boost::asio::steady_timer timeout_, silence_, grace_;
  std::chrono::steady_clock::time_point last_heard_;
  LineSplitter lines_;
  std::vector<char> buffer_;
  WorkerEnd end_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace beamgrid
