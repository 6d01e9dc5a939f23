#include "orchestrator/slurm/pilots_lock.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "registry/util/error.h"
#include "registry/util/system_error.h"

namespace beamgrid {

PilotsLock::PilotsLock(const std::filesystem::path& study_folder) {
  std::error_code error;
  std::filesystem::create_directories(study_folder, error);
  if (error) throw SystemError(study_folder, "cannot create the folder", error.value());
  const std::filesystem::path path = study_folder / kPilotsLockFile;
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw SystemError(path, "cannot open", errno);
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file_.get(), F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES)) {
    return;
  }
  throw Error(study_folder.string() +
              ": another beamgrid has the Slurm jobs of this study; its database is a copy of this "
              "one, or its original, or has a study of the same name; wait for it, or use a runs "
              "folder of its own (--runs; `beamgrid backup --files` copies one)");
}

}  // namespace beamgrid
