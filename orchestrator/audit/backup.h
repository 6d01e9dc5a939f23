#pragma once
// A copy of a record, with the files that it names if asked for, made while studies go on.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// BackupFiles says whether a backup holds the attempts' files.
enum class BackupFiles { kNone, kRecorded };

/// Backup is what a backup holds.
struct Backup {
  std::size_t trials = 0;
  std::size_t files = 0;
  std::int64_t bytes = 0;             ///< of these files
  std::vector<std::string> left_out;  ///< files that are not what the record says, and why
  /// What earlier backups to the same name left when they were killed: sentences about what was
  /// deleted, and what was not because a process of its number is alive.
  std::vector<std::string> remarks;
};

/// Returns the runs folder of a backup's files: beside it, so that both can be moved together.
[[nodiscard]] std::filesystem::path BackupRuns(const std::filesystem::path& to);

/// Returns what backups that were killed left beside `database`, under names that no living process
/// has: copies of databases and their folders of files.
[[nodiscard]] std::vector<std::filesystem::path> HalfBackups(const std::filesystem::path& database);

/// Copies the record into the new file `to`, as one state of it. With kRecorded its complete
/// trials' files, each checked by its hash, and the checkpoints from which the others go on are
/// copied to BackupRuns(to); else the copy refers to the same runs folder. Nothing is called by its
/// final name before it is whole and on the disk, the database last. Throws UsageError where
/// something of that name is there already; Error where it cannot be written, and then nothing is
/// left. What an earlier backup to this name left when it was killed is deleted first.
[[nodiscard]] Backup BackUp(const Store& store, const std::filesystem::path& to, BackupFiles files);

}  // namespace beamgrid
