#pragma once
// One attempt, from trial.json to result.json, and the traces it leaves in the process.

#include <functional>

#include "trainer/worker/commands.h"
#include "trainer/worker/messenger.h"

namespace beamgrid::trainer {

enum class LogTarget {
  kStderr,
  kWorkerLog  ///< the attempt's worker.log becomes stderr (and stdout), also for libraries
};

/// Whether a later trial would find the process as a new one is. Of ours nothing stays; what a
/// user's code (a plugin, a script) leaves behind nobody knows.
enum class Traces { kNone, kUnknown };

struct AttemptEnd {
  TrainerExit exit = TrainerExit::kBroken;
  Traces traces = Traces::kUnknown;
};

/// Makes this process a worker (log, signals, messages) and does its work; returns the exit code.
/// What keeps it from being one, or `work` throws, is said as of an attempt: Failed.
[[nodiscard]] int RunAsWorker(const std::function<TrainerExit(Messenger&)>& work);

/// Carries out the attempt of a directory. The last message is Finished or Failed; never throws.
/// Afterwards the memory is given back to the system.
[[nodiscard]] AttemptEnd CarryOut(const TrainArguments& arguments, LogTarget log,
                                  Messenger& messenger);

}  // namespace beamgrid::trainer
