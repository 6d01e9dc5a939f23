#pragma once
// What an attempt leaves on disk, and what that says about how it ended. If messages and files
// disagree, the files decide.

#include <filesystem>
#include <optional>
#include <string>

#include "registry/outcome.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// StopReason is why the orchestrator stopped a worker, where it did.
enum class StopReason { kNone, kCancelled, kTimedOut, kHung };

/// WorkerEnd is how the worker's process ended.
struct WorkerEnd {
  std::optional<int> exit_code;  ///< status, or -signal; nothing: nobody knows (dead orchestrator)
  StopReason stopped = StopReason::kNone;
  std::string stop_detail;               ///< "no message for 60 s"
  std::optional<Failed> failed_message;  ///< the worker's own words
};

/// Returns the outcome of an attempt. A valid result.json whose artifacts are there with the sizes
/// that it names (where nobody knows how the worker ended: also with their hashes) makes the
/// attempt complete, whatever the exit code; otherwise the reason of the stop, the exit code
/// (TrainerExit) or the signal say why not. Throws Error where the machine keeps us from looking
/// (no descriptors left, broken disk): nothing is known then, and the attempt must stay as it is.
[[nodiscard]] AttemptOutcome OutcomeOf(const std::filesystem::path& directory,
                                       const WorkerEnd& end);

/// ArtifactCheck is how far the file of an artifact is checked. A worker that ended before our eyes
/// wrote it whole; where a machine lost its power, a file may have its size but not its content.
enum class ArtifactCheck { kSizes, kHashes };
/// Returns what is wrong with the file of an artifact, to be said after "it": "is gone", "has 12
/// bytes, the record says 70". Empty where it is what was recorded. Error where it cannot be looked
/// at.
[[nodiscard]] std::string DamageOf(const std::filesystem::path& path, const Artifact& artifact,
                                   ArtifactCheck check);

/// Returns how a process of beamgrid-trainer ended that did not say so itself, to be said after its
/// name: "was killed by signal 9 (SIGKILL), ...", "cannot be run (status 127): ...", "exited with
/// status 1". Where the last words in `log` (of the dynamic linker, of a library) are those of a
/// limit of the machine, with the way out.
[[nodiscard]] std::string HowItEnded(int exit_code, const std::string& log);

/// Returns the last `lines` lines of a worker's log as valid UTF-8, long lines cut; empty if there
/// is none.
[[nodiscard]] std::string LogTail(const std::filesystem::path& log, int lines = 20);

}  // namespace beamgrid
