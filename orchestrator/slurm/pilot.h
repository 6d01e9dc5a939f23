#pragma once
// The one process of a Slurm job: carries out attempts on its node, one after the other, as the
// study's orchestrator orders them.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/workers/local_executor.h"

namespace beamgrid {

/// Pilot carries out the orders of its folder with the executor for local processes. It claims each
/// attempt before it begins, ends it by end.json, and stops where somebody else has ended it. It
/// outlives the orchestrator: what it carries out goes on, and a later one hears of it. One thread
/// owns it and makes all calls but Stop.
class Pilot {
 public:
  /// Reads the folder's pilot.json. `name` tells this life of the pilot from others, for people:
  /// the node and the process. Throws Error.
  Pilot(std::filesystem::path folder, std::string name);
  ~Pilot();

  /// Works until it is told to leave, was idle for too long or is stopped, then returns. Throws
  /// Error where its folder cannot be written.
  void Run();
  /// Has the worker write its checkpoint, then Run returns: the job is to end. Safe in a signal
  /// handler and from any thread.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;

  /// Work is the attempt that is carried out.
  struct Work {
    Order order;
    Clock::time_point looked_at;  ///< whether it has another end already
  };

  /// Ends the attempt that this pilot's former life, which Slurm ended, did not.
  void EndFormerWork();
  void HearOrders();
  void Obey(const Order& order);
  void HeedStop();
  /// Returns why the pilot is to leave now; empty: it is not.
  [[nodiscard]] std::string WhyLeave() const;
  void BeginNext();
  /// True if what the worker is to read is to be seen, or was waited for long enough.
  [[nodiscard]] bool IsThere(const Order& order);
  /// True if the attempt may be carried out, by nobody else.
  [[nodiscard]] bool MayBegin(const Order& order);
  void StopIfEndedByOthers();
  void Wait();
  void Take(const ExecutorEvent& event);
  void End(AttemptOutcome outcome);
  void Say(const Report& report);
  void SayLives();

  std::filesystem::path folder_;
  std::string name_;
  PilotSettings settings_;
  LineTail orders_;
  GrowingLines reports_;
  LocalExecutor executor_;
  std::deque<Order> waiting_;
  std::optional<Clock::time_point> unseen_since_;  ///< the first of them is not to be seen whole
  std::optional<Work> work_;
  bool told_to_leave_ = false, stopping_ = false;
  std::atomic<bool> stop_{false};
  Clock::time_point begun_, idle_since_, said_at_;
};

/// Returns the name of this process among the pilots: "n1, process 4711, job 17".
[[nodiscard]] std::string PilotName();

}  // namespace beamgrid
