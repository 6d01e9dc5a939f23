#pragma once
// Files by which two machines speak to each other over a shared file system (NFS), where a file may
// be seen seconds after it was written, and half at first.
//
// A reader opens a file anew for each look: that is when NFS asks the server. So whoever is to be
// told again and again has one file that grows, not a folder that gets new ones.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "orchestrator/workers/line_splitter.h"

namespace beamgrid {

/// Makes the file `path` with this content, unless it is there: whole or not at all, and of any
/// number of machines that try, one succeeds for good. Returns whether that was this call. The
/// folder must be there. Throws Error where the file system refuses.
[[nodiscard]] bool PublishOnce(const std::filesystem::path& path, std::string_view content);

/// Returns how long ago the file was changed, by the clock of the file system, of which it makes a
/// file in `folder`; 0 where that cannot be told. Throws Error where the folder cannot be written.
[[nodiscard]] std::chrono::milliseconds AgeOf(const std::filesystem::path& file,
                                              const std::filesystem::path& folder);

/// GrowingLines appends lines to a file. One writer at a time: a second one, after the death of the
/// first, may find half a line of it, which it ends. Not thread-safe.
class GrowingLines {
 public:
  explicit GrowingLines(std::filesystem::path path) : path_(std::move(path)) {}
  /// Adds one line, seen by others who open the file when this returns. Returns the length of the
  /// file with it. Throws Error.
  std::int64_t Add(std::string_view line);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool begun_ = false;
};

/// LineGrowth is what a look at a growing file came to.
enum class LineGrowth {
  kSome,
  kNone,       ///< or it is not there yet
  kUnreadable  ///< by a fault of the machine: nothing is known
};

/// LineTail reads a file of lines as it grows. Not thread-safe.
class LineTail {
 public:
  explicit LineTail(std::filesystem::path path) : path_(std::move(path)) {}
  /// Calls `line` for each line that has been added since the last call, up to some tens of
  /// kilobytes of them, and nothing of what stands behind the first `until` bytes of the file.
  LineGrowth Read(const std::function<void(std::string_view)>& line,
                  std::int64_t until = std::numeric_limits<std::int64_t>::max());
  /// Returns the bytes that were read so far.
  [[nodiscard]] std::int64_t offset() const { return offset_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static constexpr std::size_t kLongestLine = 1 << 20;

  std::filesystem::path path_;
  std::int64_t offset_ = 0;
  LineSplitter lines_{kLongestLine};
};

}  // namespace beamgrid
