#include "orchestrator/workers/worker_process.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <csignal>
#include <optional>
#include <utility>

#include "orchestrator/workers/surviving_worker.h"
#include "registry/util/half_written.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// As much as a pipe holds, so one read empties it.
constexpr std::size_t kBufferBytes = 64 << 10;
// 16 MiB: a process that the worker started may hold the pipe and write for ever.
constexpr int kMostLeftoverPieces = 256;

}  // namespace

void Countdown::Start(std::chrono::milliseconds period, Patience::Late late,
                      std::function<bool()> on_over) {
  on_over_ = std::move(on_over);
  patience_ = std::make_shared<Patience>(period, late, std::chrono::steady_clock::now());
  Wait();
}

void Countdown::Wait() {
  timer_.expires_after(patience_->Step());
  timer_.async_wait([this, alive = std::weak_ptr(patience_)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    const bool over = patience_->Look(std::chrono::steady_clock::now());
    // A copy: the call may end the attempt, and this countdown with it.
    const std::function<bool()> on_over = on_over_;
    const bool done = over && on_over();
    if (!alive.expired() && !done) Wait();
  });
}

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
  attempt_->grace.Start(grace, Patience::Late::kStartsAnew, [this] {
    Signal(SIGKILL);
    return true;
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
    // A copy of it that carried the attempt out was killed with it, and may not be gone yet.
    if (WIFSIGNALED(status)) KillSurvivingWorker(attempt_->task.directory);
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
  attempt_->silence.StartAnew();
  attempt_->use.reset();
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
  if (killed_by_others && !outcome.complete()) {
    auto& failure = std::get<AttemptFailure>(outcome.end);
    if (kills_.Claim(attempt->memory_kills)) {
      failure.kind = FailureKind::kOutOfMemory;
      failure.message = "the kernel's out-of-memory killer ended the worker";
    } else if (kills_.IsCounting()) {
      failure.kind = FailureKind::kInterrupted;
      failure.message =
          "the worker was killed by signal 9 (SIGKILL), which neither we nor the kernel's "
          "out-of-memory killer sent";
    }
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
  // What a trial may take is its own time: the hour in which a laptop slept is none of it.
  attempt_->timeout.Start(attempt_->task.timeout, Patience::Late::kDoesNotCount, [this] {
    Stop(StopReason::kTimedOut,
         "took longer than the timeout of " + SecondsText(attempt_->task.timeout),
         std::chrono::milliseconds(0));
    return true;
  });
}

void WorkerProcess::WatchSilence() {
  attempt_->silence.Start(
      rules_.silence, Patience::Late::kStartsAnew, [this, attempt = std::weak_ptr(attempt_)] {
        DrainOutput();  // what is said and not read yet is no silence
        if (attempt.expired() || !attempt_->silence.IsOver()) return false;
        // Where the machine gives a worker no processor (it is nice, and others are many), its
        // silence is not its own. One that could run is looked at for another step.
        const auto before = std::exchange(attempt_->use, ProcessorUseOf(pid_));
        if (!before && attempt_->use && attempt_->use->waits_for_more) return false;
        if (WasStarved(before, attempt_->use, attempt_->silence.Step())) {
          attempt_->use.reset();
          attempt_->silence.StartAnew();
          return false;
        }
        Stop(StopReason::kHung, "sent no message for " + SecondsText(rules_.silence),
             std::chrono::milliseconds(0));
        return true;
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
