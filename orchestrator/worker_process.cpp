#include "orchestrator/worker_process.h"

#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
constexpr int kMostLeftoverPieces = 256;

std::string SecondsText(std::chrono::milliseconds duration) {
  const std::string text = std::to_string(static_cast<double>(duration.count()) / 1000);
  return text.substr(0, text.find('.') + 2) + " s";
}

}  // namespace

WorkerProcess::WorkerProcess(boost::asio::io_context& loop, ChildProcess child,
                             std::filesystem::path directory, const WorkerLimits& limits,
                             OnMessage on_message)
    : pid_(child.pid),
      directory_(std::move(directory)),
      limits_(limits),
      on_message_(std::move(on_message)),
      output_(loop, child.standard_output.Release()),
      timeout_(loop),
      silence_(loop),
      grace_(loop),
      last_heard_(std::chrono::steady_clock::now()),
      lines_(limits.longest_line),
      buffer_(kBufferBytes) {
  output_.non_blocking(true);
  if (limits_.timeout.count() > 0) {
    timeout_.expires_after(limits_.timeout);
    timeout_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
      if (error || alive.expired()) return;
      Stop(StopReason::kTimedOut, "took longer than the timeout of " + SecondsText(limits_.timeout),
           std::chrono::milliseconds(0));
    });
  }
  WatchSilence();
  ReadMore();
}

WorkerProcess::~WorkerProcess() {
  if (reaped_) return;
  Signal(SIGKILL);
  (void)WaitFor(pid_);
}

void WorkerProcess::Stop(StopReason reason, const std::string& detail,
                         std::chrono::milliseconds grace) {
  if (end_.stopped == StopReason::kNone) {
    end_.stopped = reason;
    end_.stop_detail = detail;
  }
  if (grace.count() == 0) return Signal(SIGKILL);
  Signal(SIGTERM);
  grace_.expires_after(grace);
  grace_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (!error && !alive.expired()) Signal(SIGKILL);
  });
}

std::optional<AttemptOutcome> WorkerProcess::Reap() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  Signal(SIGKILL);  // what it may have started itself
  reaped_ = true;
  DrainOutput();
  end_.exit_code = ExitCodeOf(status);
  return OutcomeOf(directory_, end_);
}

void WorkerProcess::ReadMore() {
  // Waiting and then reading, not reading asynchronously: a read that has happened but not been
  // handled would be lost to Reap.
  output_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                       if (error || alive.expired()) return;
                       if (ReadOnce() != Reading::kEnd) ReadMore();
                     });
}

void WorkerProcess::Hear(std::string_view bytes) {
  lines_.Feed(bytes, [this](std::string_view line) {
    std::optional<Message> message = MessageFromLine(line);
    if (!message) return;
    last_heard_ = std::chrono::steady_clock::now();
    if (const auto* failed = std::get_if<Failed>(&*message)) end_.failed_message = *failed;
    on_message_(std::move(*message));
  });
}

void WorkerProcess::WatchSilence() {
  silence_.expires_at(last_heard_ + limits_.silence);
  silence_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    if (std::chrono::steady_clock::now() < last_heard_ + limits_.silence) return WatchSilence();
    Stop(StopReason::kHung, "sent no message for " + SecondsText(limits_.silence),
         std::chrono::milliseconds(0));
  });
}

/// To the whole group; gone already is fine.
void WorkerProcess::Signal(int signal) const {
  if (!reaped_) ::kill(-pid_, signal);
}

WorkerProcess::Reading WorkerProcess::ReadOnce() {
  boost::system::error_code error;
  const std::size_t bytes = output_.read_some(boost::asio::buffer(buffer_), error);
  if (error == boost::asio::error::would_block) return Reading::kNothingNow;
  if (error) return Reading::kEnd;
  Hear({buffer_.data(), bytes});
  return Reading::kSome;
}

void WorkerProcess::DrainOutput() {
  for (int piece = 0; piece < kMostLeftoverPieces; ++piece) {
    if (ReadOnce() != Reading::kSome) return;
  }
}

}  // namespace beamgrid
