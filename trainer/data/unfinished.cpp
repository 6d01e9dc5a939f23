#include "trainer/data/unfinished.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

fs::path MarkIn(const fs::path& folder) { return folder / ".unfinished-dataset"; }

void SyncFolder(const fs::path& folder) {
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

void MarkUnfinished(const fs::path& folder) {
  WriteFileAtomically(MarkIn(folder),
                      "`beamgrid data synth` was replacing the record files of this folder and has "
                      "not come to its end: some may be of another dataset. Run it again.\n");
}

void MarkFinished(const fs::path& folder) {
  SyncFolder(folder);
  std::error_code failure;
  fs::remove(MarkIn(folder), failure);
  if (failure) throw SystemError(MarkIn(folder), "cannot remove", failure.value());
  SyncFolder(folder);
}

}  // namespace beamgrid
