#pragma once
// From a trial that has a slot to a worker at work: intent in the record, directory, trial.json,
// submission. In this order a crash leaves nothing unexplained: whatever runs or lies on the disk
// has its row in the record.

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/study_trial.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// Returns an interval between signs of life so short that a few may be late before a timeout that
/// is told by them.
[[nodiscard]] double HeartbeatSeconds(const ResourceSettings& resources);

/// BegunAttempt is an attempt that is in the record and not at work yet.
struct BegunAttempt {
  AttemptKey key;
  std::filesystem::path directory;
  TrialFile file;
  Placement placement;
};

/// AttemptStarter begins and launches attempts. Begin is called inside a transaction, Launch after
/// its commit. Not thread-safe; owned by the study's thread.
class AttemptStarter {
 public:
  /// Expects that all arguments outlive the starter. Directories are made in the store's runs
  /// folder, under <study>/<trial>.
  AttemptStarter(const Recipe& recipe, Store& store, Executor& executor);

  /// Records the intent to run the trial's next attempt, on data files with that stamp
  /// (ContentWatch::DataStamp; empty: unknown).
  [[nodiscard]] BegunAttempt Begin(const StudyTrial& trial, const Slot& slot,
                                   const std::string& data_stamp);
  /// Makes the directory, writes trial.json and submits it to the executor. A directory that
  /// another database's orchestrator has made meanwhile stays its own: the attempt gets the next
  /// one. The study's folder is then safe from a power cut; those of trial and attempt the worker
  /// makes so with the result. Throws Error where it cannot be written.
  void Launch(BegunAttempt attempt);

 private:
  const Recipe& recipe_;
  Store& store_;
  Executor& executor_;
  bool study_folder_is_safe_ = false;  ///< a power cut leaves it where it is
};

/// Returns `<trial-name>-s<seed>-<first 8 of the fingerprint>`, with characters that file systems
/// or shells mind replaced by '_' and long names cut.
[[nodiscard]] std::string TrialFolderName(const std::string& trial_name, std::int64_t seed,
                                          const std::string& fingerprint);

/// Makes what an attempt left of no use to anybody: its checkpoint is removed, its result gets
/// another name. For an attempt that may have seen other content than its trial's. Throws Error
/// where the files cannot be taken away.
void Disown(const std::filesystem::path& attempt_directory);

/// Does so for the last attempt of a trial and forgets its epochs. Returns what is recorded of it
/// in the place of what its worker reported: no fault of the trial's, so it costs no try, and
/// `why`.
[[nodiscard]] AttemptOutcome Disown(Store& store, TrialId trial, const AttemptOutcome& reported,
                                    const std::string& why);

/// Returns where all attempts of a trial may have left checkpoints. When it is complete they are to
/// go: nothing goes on from them any more, and each is as large as the model or several times that.
[[nodiscard]] std::vector<std::filesystem::path> CheckpointsOf(const Store& store, TrialId trial);
/// Deletes the files that are there. One that cannot be deleted stays.
void RemoveFiles(const std::vector<std::filesystem::path>& files);

/// Returns the path of the newest last.checkpoint that earlier attempts of a trial left; empty if
/// there is none.
[[nodiscard]] std::string NewestCheckpoint(const Store& store, TrialId trial);

}  // namespace beamgrid
