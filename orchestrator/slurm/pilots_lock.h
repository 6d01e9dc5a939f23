#pragma once
// One orchestrator at a time for the pilots of a study's folder. The study's own lock is of its
// database; a copy of that, or another database with a study of the name, may use the same folder.

#include <filesystem>

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// The lock's file in runs/<study>.
inline constexpr char kPilotsLockFile[] = "slurm.lock";

/// PilotsLock is held while it lives, and no longer than its process.
class PilotsLock {
 public:
  /// `study_folder`: runs/<study>, which is made where it is not there. Throws Error where another
  /// orchestrator has its pilots. A file system without locks keeps nobody away.
  explicit PilotsLock(const std::filesystem::path& study_folder);

 private:
  UniqueFd file_;
};

}  // namespace beamgrid
