#pragma once
// Errors that carry the system's code (errno), so that who catches one can tell a full disk from a
// missing file.

#include <exception>
#include <filesystem>
#include <string>

#include "registry/util/error.h"

namespace beamgrid {

class SystemError : public Error {
 public:
  /// Message: "PATH: WHAT: the system's reason; fix", the fix where there is a usual one.
  SystemError(const std::filesystem::path& path, const std::string& what, int code);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Returns "WHAT: the system's reason", without the path and the fix.
  [[nodiscard]] std::string reason() const;
  [[nodiscard]] int code() const { return code_; }

 private:
  std::filesystem::path path_;
  std::string what_;
  int code_;
};

/// The code that an exception carries (SystemError, std::filesystem::filesystem_error, ...), else
/// 0.
[[nodiscard]] int SystemCode(const std::exception& error);

/// Whether the machine is at fault and not the file that was named: any other trial would fail in
/// the same way. That is every code but those that say that the file is not there or is something
/// else (ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EINVAL, ENXIO); 0 is none.
[[nodiscard]] bool IsMachineFault(int code);

/// What the user can do about such a fault; empty where it is none.
[[nodiscard]] std::string FixForSystemError(int code);

}  // namespace beamgrid
