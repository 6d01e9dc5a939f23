#pragma once
// Slurm's commands on a thread of their own: each may take a minute, and the study goes on.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "orchestrator/slurm/slurm_client.h"

namespace beamgrid {

/// SlurmDesk asks for jobs and ends them, in the order in which it was told, and between that looks
/// at the queue once an interval. All members may be called from any thread.
class SlurmDesk {
 public:
  /// News is what was answered since the last Take.
  struct News {
    std::vector<std::pair<std::string, SubmitAnswer>> submitted;  ///< by the job's name
    std::optional<QueueAnswer> queue;                             ///< the latest
    std::optional<EndedAnswer> ended;                             ///< the latest
  };

  /// `client` must outlive the desk; `on_news` is called from its thread. An interval of 0: the
  /// queue is looked at only by LookNow.
  SlurmDesk(SlurmClient& client, std::chrono::milliseconds interval, std::function<void()> on_news);
  /// Finishes.
  ~SlurmDesk();

  /// Uncancelled is jobs whose cancellation Slurm has not taken, and why, in words.
  struct Uncancelled {
    std::set<std::string> names;
    std::string message;
  };
  /// Carries out the cancellations that it was told, and nothing after that; jobs that it has not
  /// asked for yet it does not. Returns the cancellations that were in vain. May block for as long
  /// as a few commands take.
  [[nodiscard]] Uncancelled Finish();

  void Submit(JobRequest request);
  /// A name that waits for its cancellation already is not told again.
  void Cancel(std::vector<std::string> names);
  void AskEnded(std::vector<std::string> names);
  void LookNow();
  [[nodiscard]] News Take();

  /// Looks at the queue, at once, on the caller's thread. May block.
  [[nodiscard]] QueueAnswer Queue();

 private:
  /// Task is something to do, or jobs to be cancelled together.
  struct Task {
    std::function<void()> act;
    std::vector<std::string> cancelled;
  };

  void Work();
  void Put(std::function<void()> act);
  void CarryOut(const Task& task);
  void EndJobs(const std::vector<std::string>& names);
  template <typename Note>
  void Tell(const Note& note);
  void Look();

  SlurmClient& client_;
  std::chrono::milliseconds interval_;
  std::function<void()> on_news_;
  std::mutex client_mutex_;  ///< the client serves one thread at a time
  std::mutex mutex_;         ///< of what follows
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::set<std::string> to_cancel_;  ///< the names in tasks_
  News news_;
  Uncancelled uncancelled_;
  bool ending_ = false;
  std::thread thread_;  ///< last: it uses the members above
};

}  // namespace beamgrid
