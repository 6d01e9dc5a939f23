#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"
#include "trainer/training/device.h"
#include "trainer/worker/attempt.h"
#include "trainer/worker/stop_request.h"

namespace beamgrid::trainer {
namespace {

/// The directories that come on stdin, which nobody else reads from then on.
class Directories {
 public:
  /// Error where there is no descriptor for them.
  Directories() : input_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {
    if (input_.get() < 0)
      throw SystemError("standard input", "cannot be kept for directories", errno);
    const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (nothing.get() < 0) throw SystemError("/dev/null", "cannot be opened", errno);
    ::dup2(nothing.get(), STDIN_FILENO);
  }

  /// Waits for the next one; nothing at the end of the input and where a stop is requested.
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
  bool ReadMore() {
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

/// Says when a process that carried out trials had better make room for a new one.
class Wear {
 public:
  /// After each trial.
  void Add(Traces traces) {
    ++trials_;
    if (traces == Traces::kUnknown) worn_ = true;
    const std::int64_t bytes = ResidentBytes();
    if (trials_ == 1) first_bytes_ = bytes;
    worn_ |= trials_ >= kMostTrials || bytes > kMostGrowth * first_bytes_;
  }
  [[nodiscard]] bool IsWorn() const { return worn_; }

 private:
  static constexpr int kMostTrials = 100;
  static constexpr std::int64_t kMostGrowth = 2;  ///< of what stays in memory after the first trial

  int trials_ = 0;
  std::int64_t first_bytes_ = 0;
  bool worn_ = false;
};

TrainerExit Serve(Messenger& messenger) {
  Directories directories;
  Wear wear;
  while (const std::optional<std::string> directory = directories.Next()) {
    const AttemptEnd end = CarryOut({.directory = *directory}, LogTarget::kWorkerLog, messenger);
    if (end.exit != TrainerExit::kDone) return end.exit;
    wear.Add(end.traces);
    if (wear.IsWorn()) break;
    messenger.Send(Ready{});
  }
  return StopRequested() ? TrainerExit::kInterrupted : TrainerExit::kDone;
}

}  // namespace

int ServeCommand() { return RunAsWorker(Serve); }

}  // namespace beamgrid::trainer
