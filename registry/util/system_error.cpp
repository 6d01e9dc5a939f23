#include "registry/util/system_error.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace beamgrid {
namespace {

std::string Reason(const std::string& what, int code) { return what + ": " + std::strerror(code); }

std::string Describe(const std::filesystem::path& path, const std::string& what, int code) {
  const std::string fix = FixForSystemError(code);
  return path.string() + ": " + Reason(what, code) + (fix.empty() ? "" : "; " + fix);
}

}  // namespace

SystemError::SystemError(const std::filesystem::path& path, const std::string& what, int code)
    : Error(Describe(path, what, code)), path_(path), what_(what), code_(code) {}

std::string SystemError::reason() const { return Reason(what_, code_); }

int SystemCode(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const SystemError*>(&error)) return ours->code();
  const auto* standard = dynamic_cast<const std::system_error*>(&error);
  if (standard == nullptr) return 0;
  const std::error_category& category = standard->code().category();
  // The numbers of other categories (SQLite's, Asio's) mean other things.
  const bool from_system =
      category == std::system_category() || category == std::generic_category();
  return from_system ? standard->code().value() : 0;
}

// The list of the file's own faults and not of the machine's: what is on no list is the machine's.
bool IsMachineFault(int code) {
  switch (code) {
    case 0:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case ENXIO:
      return false;
    default:
      return true;
  }
}

std::string FixForSystemError(int code) {
  if (!IsMachineFault(code)) return {};
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "make room on the disk and run again; what was finished is kept";
    case EROFS:
      return "make the file system writable or choose another place (--runs, --db), then run again";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and its folder, then run again";
    case EMFILE:
    case ENFILE:
      return "allow more open files (ulimit -n) or fewer workers (resources.slots_per_device), "
             "then run again";
    case EFBIG:
      return "allow larger files (ulimit -f), then run again; what was finished is kept";
    case EAGAIN:
      return "allow more processes and threads (ulimit -u) and memory for them (ulimit -v), or "
             "fewer "
             "workers (resources.slots_per_device), then run again";
    case ENOMEM:
      return "free memory or allow more (ulimit -v), or fewer workers "
             "(resources.slots_per_device), then run again";
    case EIO:
      return "check the disk, then run again; what was finished is kept";
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENODEV:
      return "check that the file system is mounted and its server answers, then run again; what "
             "was finished is kept";
    default:
      return "this is the machine's fault, not a trial's: mend it, then run again; what was "
             "finished is kept";
  }
}

}  // namespace beamgrid
