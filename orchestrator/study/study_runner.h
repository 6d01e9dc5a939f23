#pragma once
// Carries out a study: asks the strategy, finds twins in the record, gives trials to the scheduler
// and attempts to the executor, and writes every outcome down before anything follows from it. All
// that depends on processes or time is behind an interface.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/resources.h"
#include "orchestrator/study/scheduler.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

class StudyLoop;

/// How a run of a study ended.
struct StudyResult {
  StudyId study{};
  std::int64_t complete = 0;  ///< trained in this run
  std::int64_t reused = 0;    ///< were complete already
  std::int64_t failed = 0;    ///< failed for good
  std::int64_t refused = 0;   ///< never started: too large, or refused by the trainer
  std::int64_t attempts = 0;  ///< attempts started in this run
  bool interrupted = false;
  /// Bad data with on_error = "stop" (file, offset, fix), or a fault of the machine.
  std::string stopped_because;
  std::vector<std::string> failures;   ///< "NAME seed S: kind: message", one for each failed trial
  std::vector<std::string> decisions;  ///< the strategy's, for people
  int exit_code = 0;  ///< 0; 1: trials failed for good or stopped; 130: interrupted
};

struct RunnerSettings {
  std::filesystem::path database;  ///< to ask whether another study's orchestrator is alive
  std::filesystem::path runs = "runs";
  std::vector<Slot> slots;
  std::map<std::string, std::int64_t> memory;  ///< bytes by device; see Scheduler
  std::chrono::milliseconds grace{30'000};     ///< for checkpoints after an interrupt
  std::chrono::milliseconds poll{200};         ///< longest wait for events
};

/// What a runner works with; all outlive it.
struct RunnerParts {
  Store* store;
  Executor* executor;
  ModelCounter* counter;
  ProgressDisplay* display;
  std::function<std::chrono::milliseconds()> clock;  ///< monotonic
  Resources* resources = nullptr;                    ///< null: no limits
};

class StudyRunner {
 public:
  /// `recipe` and `catalogue` must outlive the runner. `data`: resolved and digested. RecipeError
  /// where trials are to start from trials that are not complete in the record.
  StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
              RunnerSettings settings, RunnerParts parts);
  ~StudyRunner();

  /// Runs until nothing is left to ask or an interrupt. Never repeats a complete trial. Throws
  /// Error where the environment broke; the record is then as if the orchestrator had been killed.
  [[nodiscard]] StudyResult Run();

  /// First call: running attempts checkpoint and stop, Run returns with exit code 130. Second: they
  /// are killed at once. Safe in a signal handler and from any thread.
  void Interrupt();

 private:
  std::unique_ptr<StudyLoop> loop_;
};

}  // namespace beamgrid
