#pragma once
// From a trial that has a slot to a worker at work: intent in the record, directory, trial.json,
// submission. In this order a crash leaves nothing unexplained: whatever runs or lies on the disk
// has its row in the record.

#include <filesystem>
#include <string>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/study_trial.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// BegunAttempt is an attempt that is in the record and not at work yet.
struct BegunAttempt {
  AttemptKey key;
  std::filesystem::path directory;
  TrialFile file;
  bool alone = false;
};

/// AttemptStarter begins and launches attempts. Begin is called inside a transaction, Launch after
/// its commit. Not thread-safe; owned by the study's thread.
class AttemptStarter {
 public:
  /// Expects that all arguments outlive the starter. Directories are made under `runs`/<study>.
  AttemptStarter(const Recipe& recipe, std::filesystem::path runs, Store& store,
                 Executor& executor);

  /// Records the intent to run the trial's next attempt.
  [[nodiscard]] BegunAttempt Begin(const StudyTrial& trial, const Slot& slot);
  /// Writes the directory and submits it to the executor. Throws Error where it cannot be written.
  void Launch(const BegunAttempt& attempt);

 private:
  const Recipe& recipe_;
  std::filesystem::path runs_;
  Store& store_;
  Executor& executor_;
};

/// Returns `<trial-name>-s<seed>-<first 8 of the fingerprint>`, with characters that file systems
/// or shells mind replaced by '_' and long names cut.
[[nodiscard]] std::string TrialFolderName(const std::string& trial_name, std::int64_t seed,
                                          const std::string& fingerprint);

/// Deletes the checkpoints of all attempts of a complete trial: nothing goes on from them any more,
/// and each is as large as the model or several times that. One that cannot be deleted stays.
void RemoveCheckpoints(const Store& store, TrialId trial);

/// Returns the path of the newest last.checkpoint that earlier attempts of a trial left; empty if
/// there is none.
[[nodiscard]] std::string NewestCheckpoint(const Store& store, TrialId trial);

}  // namespace beamgrid
