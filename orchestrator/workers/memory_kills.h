#pragma once
// Whether a process that was killed was taken by the kernel for want of memory.

#include <cstdint>
#include <filesystem>

namespace beamgrid {

/// MemoryKills counts what the kernel's out-of-memory killer took of our control group, where the
/// workers live too: `oom_kill` in memory.events (cgroup v2) or memory.oom_control (v1); where
/// there is neither, in /proc/vmstat, for the whole machine. Without any of them it claims nothing.
/// Not thread-safe.
class MemoryKills {
 public:
  /// Looks for the file to read. `proc` and `cgroups` are other folders in tests.
  explicit MemoryKills(const std::filesystem::path& proc = "/proc",
                       const std::filesystem::path& cgroups = "/sys/fs/cgroup");

  /// Returns the number of kills so far; 0 where it cannot be read.
  [[nodiscard]] std::int64_t Count() const;

  /// True if a kill since `count_before` stands for the process that asks. Each kill stands for one
  /// process: a second one that asks about the same kill hears no.
  [[nodiscard]] bool Claim(std::int64_t count_before);

  /// True if there is a count, so that a kill that is not in it was somebody else's.
  [[nodiscard]] bool IsCounting() const { return !file_.empty(); }

  /// Returns the file that is read; empty: there is nothing to read.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::int64_t claimed_ = 0;  ///< kills up to this count are claimed
};

}  // namespace beamgrid
