#pragma once
// From a trial that has a slot to a worker at work: intent in the record, directory, trial.json,
// submission, in this order, so that a crash in between leaves nothing unexplained.
//
// Legal order: Begin, the commit of the transaction it was called in, Launch.

#include <filesystem>
#include <string>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/scheduler.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// What an attempt is about.
struct AttemptSubject {
  TrialId trial{};
  std::string name;
  std::string fingerprint;
  const ModelSpec* model = nullptr;
  std::int64_t seed = 0;
  std::string start;  ///< fingerprint of the trial that it starts from; empty: from none
  std::int64_t earlier_attempts = 0;
  bool alone = false;  ///< see Placement
};

/// An attempt that is in the record and not at work yet.
struct BegunAttempt {
  AttemptKey key;
  std::filesystem::path directory;
  TrialFile file;
  bool alone = false;
};

class AttemptStarter {
 public:
  /// All must outlive the starter. Directories are made under `runs`/<study>.
  AttemptStarter(const Recipe& recipe, const DataSpec& data, std::filesystem::path runs,
                 Store& store, Executor& executor);

  /// Records the intent.
  [[nodiscard]] BegunAttempt Begin(const AttemptSubject& subject, const Slot& slot);
  /// Writes the directory and submits it. Error where it cannot be written.
  void Launch(const BegunAttempt& attempt);

 private:
  const Recipe& recipe_;
  const DataSpec& data_;
  std::filesystem::path runs_;
  Store& store_;
  Executor& executor_;
};

/// The newest last.checkpoint that earlier attempts of a trial left; empty if there is none.
[[nodiscard]] std::string NewestCheckpoint(const Store& store, TrialId trial);

}  // namespace beamgrid
