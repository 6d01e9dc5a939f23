#pragma once
// Who may run a study: one orchestrator at a time.

#include <filesystem>
#include <string>

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// Exclusive right to run one study of one database, held while it lives and released by the kernel
/// when the process dies (flock on `<db>.<study>.lock`; the file names the holder: pid, host,
/// since). A second one: UsageError naming the holder.
class StudyLock {
 public:
  StudyLock(const std::filesystem::path& database, const std::string& study);
  ~StudyLock();
  StudyLock(const StudyLock&) = delete;
  StudyLock& operator=(const StudyLock&) = delete;

 private:
  UniqueFd file_;
};

}  // namespace beamgrid
