#pragma once
// Two workers never work in one directory, and an orchestrator can see who does.

#include <filesystem>

#include "registry/util/unique_fd.h"

namespace beamgrid::trainer {

/// Holds the lock on a directory's worker.lock. It goes with the process, however that ends.
class AttemptLock {
 public:
  /// Error where another process holds it. A file system that knows no locks is worked on without.
  explicit AttemptLock(const std::filesystem::path& directory);

 private:
  /// The only descriptor of this process on that file: closing any of them gives the lock up.
  UniqueFd file_;
};

}  // namespace beamgrid::trainer
