#include "trainer/data/unfinished.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

fs::path MarkIn(const fs::path& folder) { return folder / ".unfinished-dataset"; }

/// Writes a folder's list of names to the disk.
void SyncFolderOfRecords(const fs::path& folder) {
  const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
    throw SystemError(folder, "cannot write the folder to the disk", errno);
  }
}

}  // namespace

bool IsUnfinished(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(MarkIn(folder), ignored);
}

void MarkUnfinished(const fs::path& folder, const std::string& command) {
  WriteFileAtomically(MarkIn(folder), "`" + command +
                                          "` was writing the record files of this folder and has "
                                          "not come to its end. Run it again.\n");
}

void MarkFinished(const fs::path& folder) {
  SyncFolderOfRecords(folder);
  std::error_code failure;
  fs::remove(MarkIn(folder), failure);
  if (failure) throw SystemError(MarkIn(folder), "cannot remove", failure.value());
  SyncFolderOfRecords(folder);
}

FolderLock::FolderLock(const fs::path& folder)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_.get() < 0) throw SystemError(folder, "cannot open the folder", errno);
  if (::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  throw UsageError(folder.string() + ": another process is writing records here");
}

}  // namespace beamgrid
