#pragma once
// A file of the user's that is read while it may be written to by others.

#include <cstdint>
#include <filesystem>
#include <string>

#include "registry/util/file_stamp.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {

/// InputFile is an open file with what the file system said of it then.
class InputFile {
 public:
  /// Throws SystemError where it cannot be opened, InputError where it is no file.
  explicit InputFile(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return stamp_.size; }
  /// Returns a number that is equal as long as nobody writes to the file or replaces it.
  [[nodiscard]] std::uint64_t Stamp() const;
  /// Throws InputError where somebody has written to the file since it was opened, or replaced it:
  /// what was read before is one state of it only where this does not throw.
  void RequireUnchanged() const;

  /// Returns the bytes [offset, offset + count), fewer where the file ends before.
  [[nodiscard]] std::string Read(std::uint64_t offset, std::size_t count) const;

 private:
  std::filesystem::path path_;
  UniqueFd file_;
  FileStamp stamp_;
};

/// Throws InputError that says that the file was written to between two looks at it.
[[noreturn]] void RefuseChangedFile(const std::string& place);

}  // namespace beamgrid
