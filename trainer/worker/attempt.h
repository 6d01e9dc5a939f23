#pragma once
// One attempt, from trial.json to result.json, and the traces it leaves in the process.

#include <functional>

#include "registry/util/hash_cache.h"
#include "trainer/worker/commands.h"
#include "trainer/worker/messenger.h"

namespace beamgrid::trainer {

/// LogTarget says where the lines of an attempt's log go.
enum class LogTarget {
  kStderr,    ///< where the process writes them already
  kWorkerLog  ///< the attempt's worker.log becomes stderr (and stdout), also for libraries
};

/// Traces says whether a later trial would find the process as a new one is. Of our code nothing
/// stays; what a user's code (a plugin, a script) leaves behind nobody knows.
enum class Traces { kNone, kUnknown };
/// Returns what the attempt of a directory would leave; kNone where its trial.json cannot be read,
/// for it would end at once.
[[nodiscard]] Traces TracesOf(const std::filesystem::path& directory);

/// AttemptEnd is what an attempt means for the process that carried it out.
struct AttemptEnd {
  TrainerExit exit = TrainerExit::kBroken;
  Traces traces = Traces::kUnknown;
};

/// Makes this process a worker (log, signals, messages) and does its work; returns the exit code.
/// An exception, whether of `work` or of becoming a worker, is reported as an attempt's: Failed.
[[nodiscard]] int RunAsWorker(const std::function<TrainerExit(Messenger&)>& work);

/// Carries out the attempt of a directory. The last message is Finished or Failed; never throws.
/// Afterwards the memory is given back to the system. A process keeps `hashes` for all its
/// attempts: files that nobody has touched since are only looked at.
[[nodiscard]] AttemptEnd CarryOut(const TrainArguments& arguments, LogTarget log, HashCache& hashes,
                                  Messenger& messenger);

}  // namespace beamgrid::trainer
