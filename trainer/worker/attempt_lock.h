#pragma once
// A lock on an attempt's directory: two workers never work in one, and an orchestrator can see who
// does.

#include <filesystem>

#include "registry/util/unique_fd.h"

namespace beamgrid::trainer {

/// AttemptLock holds the lock (fcntl's F_SETLK) on a directory's worker.lock. The kernel takes it
/// back however the process ends.
class AttemptLock {
 public:
  /// Takes the lock. Throws Error, naming the process, where another one holds it. On a file system
  /// that knows no locks the work goes on without.
  explicit AttemptLock(const std::filesystem::path& directory);

 private:
  /// The only descriptor of this process on that file: closing any of them gives the lock up.
  UniqueFd file_;
};

}  // namespace beamgrid::trainer
