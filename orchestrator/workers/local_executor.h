#pragma once
// Attempts as processes of this machine.

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/study/executor.h"

namespace beamgrid {

/// WorkerLife says how many attempts a process carries out. Either way a worker is kept for the
/// next attempt on its device until something goes wrong, because starting one takes as long as a
/// small trial: LibTorch is loaded each time.
enum class WorkerLife {
  kManyAttempts,  ///< `serve`: the worker itself, one after the other
  kOneAttempt     ///< `serve --fork`: each a copy of the worker
};
/// Returns kOneAttempt where BEAMGRID_FRESH_WORKERS=1 is set; else kManyAttempts.
[[nodiscard]] WorkerLife WorkerLifeFrom(const std::vector<std::string>& environment);

/// LocalExecutorOptions is what an executor works with.
struct LocalExecutorOptions {
  std::filesystem::path trainer;
  std::vector<std::string> environment;       ///< of the orchestrator; see WorkerEnvironment
  std::set<std::string> processor_flags;      ///< ProcessorFlags()
  std::chrono::milliseconds silence{60'000};  ///< no message for so long: the worker hangs
  std::chrono::milliseconds idle{30'000};     ///< a worker is kept without work for so long
  std::size_t longest_line = 1 << 20;         ///< bytes; longer lines of a worker are dropped
  WorkerLife life = WorkerLifeFrom(environment);
};

/// LocalExecutor carries out attempts by a pool of beamgrid-trainer workers on one Asio loop. A
/// crash, a hang or an endless log of a worker becomes an event, never an error of ours. One thread
/// owns it and makes all calls (Wake excepted); the workers die with that thread, and with this
/// object.
class LocalExecutor : public Executor {
 public:
  explicit LocalExecutor(LocalExecutorOptions options);
  ~LocalExecutor() override;

  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout) override;
  bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) override;
  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) override;
  void Wake() override;
  AttemptOutcome Reconcile(const AttemptKey& key, const std::filesystem::path& directory,
                           std::int64_t pid) override;

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace beamgrid
