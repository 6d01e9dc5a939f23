#pragma once
// The right to tidy up a record, and deleting what it has given up.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/housekeeping/runs_folder.h"
#include "registry/store/store.h"
#include "registry/store/study_lock.h"

namespace beamgrid {

/// Freed is what was deleted.
struct Freed {
  std::int64_t bytes = 0;
  std::int64_t files = 0;
  std::vector<std::string> problems;  ///< of what could not be deleted and is still to be

  Freed& operator+=(const Freed& other);
};

/// Tidying is the right to remove, give up or take over anything in a database: one process has it
/// at a time. Studies may run meanwhile, but for those that are held off.
///
/// What is given up is noted as trash in the transaction that gives it up, and deleted after it. So
/// a command that is killed leaves no row whose files are gone, and what it left of the files is
/// deleted by the next one.
class Tidying {
 public:
  /// Takes the right to `database` and opens it for writing, with the runs folder `runs`, or its
  /// own where that is empty. Throws UsageError where it is not there, and naming who has the
  /// right.
  Tidying(const std::filesystem::path& database, const std::filesystem::path& runs);

  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] const std::filesystem::path& database() const { return database_; }
  [[nodiscard]] const RunsFolder& runs() const { return runs_; }

  /// Keeps a study from being run while this lives. Throws UsageError naming who runs it.
  void HoldOff(const std::string& study);
  /// Takes away what killed holders of locks left beside the database, of studies that it no longer
  /// has.
  void RemoveStaleLocks();
  /// Returns the studies that are being run.
  [[nodiscard]] std::set<std::string> Running() const;

  /// Deletes what the record has given up.
  Freed EmptyTrash();
  /// Deletes files that the record does not name. It needs no room on the disk.
  [[nodiscard]] Freed Delete(const std::vector<std::filesystem::path>& files) const;

 private:
  bool Delete(const std::filesystem::path& path, Freed* freed) const;

  std::filesystem::path database_;
  StudyLock lock_;  ///< before the store is opened, until it is closed
  std::set<std::string> held_off_;
  Store store_;
  RunsFolder runs_;
};

/// Returns the lock that the one process has which tidies up `database`. Throws UsageError where
/// the database is not there, and naming the process.
[[nodiscard]] StudyLock TakeTidyingLock(const std::filesystem::path& database);

}  // namespace beamgrid
