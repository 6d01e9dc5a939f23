#include "orchestrator/workers/worker_process.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <csignal>
#include <optional>
#include <utility>

#include "registry/util/half_written.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// As much as a pipe holds, so one read empties it.
constexpr std::size_t kBufferBytes = 64 << 10;
// 16 MiB: a process that the worker started may hold the pipe and write for ever.
constexpr int kMostLeftoverPieces = 256;

}  // namespace

WorkerProcess::WorkerProcess(boost::asio::io_context& loop, ChildProcess child,
                             const WorkerRules& rules, MemoryKills& kills)
    : loop_(loop),
      rules_(rules),
      kills_(kills),
      pid_(child.pid),
      input_(std::move(child.standard_input)),
      output_(loop, child.standard_output.Release()),
      lines_(rules.longest_line),
      buffer_(kBufferBytes),
      idle_(loop) {
  // DrainOutput reads until nothing is left; a blocking read would wait for more.
  output_.non_blocking(true);
  ReadMore();
}

WorkerProcess::~WorkerProcess() {
  if (reaped_) return;
  Signal(SIGKILL);
  (void)WaitFor(pid_);
}

bool WorkerProcess::Tell(const std::filesystem::path& directory) {
  DrainOutput();
  // Half a line of the attempt before would spoil the first message of the next.
  lines_ = LineSplitter(rules_.longest_line);
  const std::string line = directory.string() + "\n";
  // A worker that listens takes the line at once: a full socket means that it does not.
  const ssize_t sent = ::send(input_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(line.size());
}

void WorkerProcess::Begin(WorkerTask task) {
  idle_.cancel();
  attempt_ = std::make_shared<Attempt>(loop_, std::move(task));
  // Kills before this moment were of others.
  attempt_->memory_kills = kills_.Count();
  if (attempt_->task.timeout.count() > 0) WatchTimeout();
  WatchSilence();
}

void WorkerProcess::Stop(StopReason reason, const std::string& detail,
                         std::chrono::milliseconds grace) {
  WorkerEnd& end = attempt_->end;
  // The first reason stays: a Ctrl-C while a hung worker is being killed is not why it ended.
  if (end.stopped == StopReason::kNone) {
    end.stopped = reason;
    end.stop_detail = detail;
  }
  if (grace.count() == 0) return Signal(SIGKILL);
  Signal(SIGTERM);
  attempt_->grace.expires_after(grace);
  attempt_->grace.async_wait(
      [this, attempt = std::weak_ptr(attempt_)](boost::system::error_code error) {
        if (!error && !attempt.expired()) Signal(SIGKILL);
      });
}

bool WorkerProcess::Reap() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  Signal(SIGKILL);  // what it may have started itself
  // After the group's kill, for Signal does nothing for a reaped worker, whose id may be another's.
  reaped_ = true;
  DrainOutput();
  if (attempt_) {
    // Nobody writes any more: what has a temporary name was cut off.
    RemoveHalfWritten(attempt_->task.directory);
    EndAttempt(ExitCodeOf(status));
  }
  return true;
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

void WorkerProcess::Hear(Message message) {
  attempt_->last_heard = std::chrono::steady_clock::now();
  if (std::holds_alternative<Ready>(message)) {
    if (input_.get() < 0) return;  // it takes no directories, whatever it says
    EndAttempt(/*exit_code=*/0);
    return WaitForMore();
  }
  if (const auto* failed = std::get_if<Failed>(&message)) attempt_->end.failed_message = *failed;
  attempt_->task.on_message(std::move(message));
}

void WorkerProcess::EndAttempt(int exit_code) {
  // Taken out first: its timers must find it gone, and where OutcomeOf throws the end is not told
  // twice.
  const std::shared_ptr<Attempt> attempt = std::exchange(attempt_, nullptr);
  attempt->end.exit_code = exit_code;
  AttemptOutcome outcome = OutcomeOf(attempt->task.directory, attempt->end);
  const bool killed_by_others = exit_code == -SIGKILL && attempt->end.stopped == StopReason::kNone;
  if (killed_by_others && kills_.Claim(attempt->memory_kills) && !outcome.complete()) {
    auto& failure = std::get<AttemptFailure>(outcome.end);
    failure.kind = FailureKind::kOutOfMemory;
    failure.message = "the kernel's out-of-memory killer ended the worker";
  }
  attempt->task.on_end(std::move(outcome));
}

void WorkerProcess::WaitForMore() {
  idle_.expires_after(rules_.idle);
  idle_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (!error && !alive.expired() && !attempt_) input_.Reset();  // it ends with its input
  });
}

void WorkerProcess::WatchTimeout() {
  attempt_->timeout.expires_after(attempt_->task.timeout);
  attempt_->timeout.async_wait(
      [this, attempt = std::weak_ptr(attempt_)](boost::system::error_code error) {
        if (error || attempt.expired()) return;
        Stop(StopReason::kTimedOut,
             "took longer than the timeout of " + SecondsText(attempt_->task.timeout),
             std::chrono::milliseconds(0));
      });
}

void WorkerProcess::WatchSilence() {
  // From the last message, and checked again when it fires: setting a timer anew for each message
  // would cost more than reading it.
  attempt_->silence.expires_at(attempt_->last_heard + rules_.silence);
  attempt_->silence.async_wait(
      [this, attempt = std::weak_ptr(attempt_)](boost::system::error_code error) {
        if (error || attempt.expired()) return;
        DrainOutput();  // where we were stopped ourselves, it was we who did not listen
        if (attempt.expired()) return;
        if (std::chrono::steady_clock::now() < attempt_->last_heard + rules_.silence) {
          return WatchSilence();
        }
        Stop(StopReason::kHung, "sent no message for " + SecondsText(rules_.silence),
             std::chrono::milliseconds(0));
      });
}

/// Signals the whole group; that it is gone already is fine.
void WorkerProcess::Signal(int signal) const {
  if (!reaped_) ::kill(-pid_, signal);
}

WorkerProcess::Reading WorkerProcess::ReadOnce() {
  boost::system::error_code error;
  const std::size_t bytes = output_.read_some(boost::asio::buffer(buffer_), error);
  if (error == boost::asio::error::would_block) return Reading::kNothingNow;
  if (error) return Reading::kEnd;
  lines_.Feed({buffer_.data(), bytes}, [this](std::string_view line) {
    if (!attempt_) return;  // nobody asked it
    if (std::optional<Message> message = MessageFromLine(line)) Hear(*std::move(message));
  });
  return Reading::kSome;
}

void WorkerProcess::DrainOutput() {
  for (int piece = 0; piece < kMostLeftoverPieces; ++piece) {
    if (ReadOnce() != Reading::kSome) return;
  }
}

}  // namespace beamgrid
