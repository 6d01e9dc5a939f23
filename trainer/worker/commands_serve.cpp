#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "registry/util/cache_folder.h"
#include "registry/util/process_start.h"
#include "registry/util/unique_fd.h"
#include "trainer/training/device.h"
#include "trainer/worker/attempt.h"
#include "trainer/worker/forked_attempt.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {
namespace {

/// Directories are the lines that come on stdin, which nobody else reads from then on: a user's
/// code that reads its standard input would swallow an attempt.
class Directories {
 public:
  /// Error where there is no descriptor for them.
  Directories() : input_(TakeStandardInput()) {}

  /// Waits for the next directory. Returns nothing at the end of the input and where a stop is
  /// requested. A last line without its newline is dropped: whoever wrote it died in the middle.
  std::optional<std::string> Next() {
    std::size_t end = 0;
    while ((end = unread_.find('\n')) == std::string::npos) {
      if (!ReadMore()) return std::nullopt;
    }
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
  }

 private:
  /// False at the end of the input or of the work.
  bool ReadMore() {
    // poll on both, because a signal does not end a blocking read here (SA_RESTART).
    std::array<pollfd, 2> either = {
        {{.fd = input_.get(), .events = POLLIN}, {.fd = StopDescriptor(), .events = POLLIN}}};
    while (::poll(either.data(), either.size(), -1) < 0 && errno == EINTR) {
    }
    if (StopRequested()) return false;
    std::array<char, 1 << 13> piece{};
    const ssize_t bytes = ::read(input_.get(), piece.data(), piece.size());
    if (bytes > 0) unread_.append(piece.data(), static_cast<std::size_t>(bytes));
    return bytes > 0 || (bytes < 0 && errno == EINTR);
  }

  UniqueFd input_;
  std::string unread_;
};

/// Wear says when a process that carried out trials had better make room for a new one.
class Wear {
 public:
  /// Takes a finished trial of this process, not of a copy, into account.
  void Add(Traces traces) {
    ++trials_;
    if (traces == Traces::kUnknown) worn_ = true;
    const std::int64_t bytes = ResidentBytes();
    // The first trial loads kernels and fills caches that stay; from then on memory should not
    // grow.
    if (trials_ == 1) first_bytes_ = bytes;
    worn_ |= trials_ >= kMostTrials || bytes > kMostGrowth * first_bytes_;
  }
  [[nodiscard]] bool IsWorn() const { return worn_; }
  [[nodiscard]] int Trials() const { return trials_; }

 private:
  /// Starting a process takes a third of a second of processor time, as much as thirty of the
  /// shortest trials and little for 300; what leaks slowly or fragments the heap has an end.
  static constexpr int kMostTrials = 300;
  static constexpr std::int64_t kMostGrowth = 2;  ///< of what stays in memory after the first trial

  int trials_ = 0;
  std::int64_t first_bytes_ = 0;
  bool worn_ = false;
};

TrainerExit Serve(TrialProcess process, Messenger& messenger) {
  Directories directories;
  HashCache hashes(CacheFolder());
  Wear wear;
  while (const std::optional<std::string> directory = directories.Next()) {
    const auto carry_out = [&] {
      return CarryOut({.directory = *directory}, LogTarget::kWorkerLog, hashes, messenger);
    };
    const bool has_computed = wear.Trials() > 0;
    const bool forks = process == TrialProcess::kItsOwn ||
                       (!has_computed && TracesOf(*directory) == Traces::kUnknown);
    AttemptEnd end;
    if (forks) {
      hashes.Refresh();
      const pid_t copy = Fork();
      if (copy == 0) return carry_out().exit;
      end = {EndOf(copy), Traces::kNone};
    } else {
      end = carry_out();
      wear.Add(end.traces);
    }
    // After a failure nobody knows what state LibTorch or a GPU is in.
    if (end.exit != TrainerExit::kDone) return end.exit;
    // Without a Ready: the orchestrator sees the end of the process and starts another.
    if (wear.IsWorn()) break;
    messenger.Send(Ready{});
  }
  return StopRequested() ? TrainerExit::kInterrupted : TrainerExit::kDone;
}

}  // namespace

int ServeCommand(TrialProcess process) {
  return RunAsWorker([process](Messenger& messenger) { return Serve(process, messenger); });
}

}  // namespace beamgrid::trainer
