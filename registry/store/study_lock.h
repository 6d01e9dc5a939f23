#pragma once
// Who may run a study: one orchestrator at a time.

#include <filesystem>
#include <string>
#include <vector>

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// Exclusive right to run one study of one database, held while it lives and released by the kernel
/// when the process dies. What is locked is the database file itself (one byte far behind its end,
/// which stands for the study), so it holds whatever path, link or mount leads there. The file
/// `<db>.<study>.lock` only names the holder: pid, host, since; its holder removes it, and one that
/// a killed process left says nothing. A second holder: UsageError naming the first; so for a
/// database that CheckDatabaseFile refuses.
///
/// It must be made before the process opens the database and outlive that: closing any descriptor
/// of a file gives up SQLite's own locks on it.
class StudyLock {
 public:
  StudyLock(const std::filesystem::path& database, const std::string& study);
  ~StudyLock();
  StudyLock(const StudyLock&) = delete;
  StudyLock& operator=(const StudyLock&) = delete;

  /// Takes the lock of another study of this database too. Throws UsageError as the constructor
  /// does.
  void Take(const std::string& study);

  /// Returns the studies that a file beside the database names a holder for, dead or alive.
  [[nodiscard]] std::vector<std::string> Noted() const;

  /// True if `database` leads to the file that is locked, and not to one that has taken its place.
  [[nodiscard]] bool IsOn(const std::filesystem::path& database) const;
  /// True if somebody else holds the lock of `study`, another one of this database.
  [[nodiscard]] bool IsHeld(const std::string& study) const;

 private:
  std::filesystem::path database_;
  UniqueFd file_;
  std::vector<std::filesystem::path> notes_;  ///< of the locks that are held
};

/// RunningStudies says which studies of a database are being run, and takes no lock. Where the
/// process opens the database too it must be made before that and outlive it, as a StudyLock.
class RunningStudies {
 public:
  /// Throws SystemError if the file cannot be read.
  explicit RunningStudies(const std::filesystem::path& database);

  [[nodiscard]] bool IsRun(const std::string& study) const;
  /// Returns who runs it: "pid 17 on HOST since 2026-01-31T23:59:59Z".
  [[nodiscard]] std::string Holder(const std::string& study) const;

 private:
  std::filesystem::path database_;
  UniqueFd file_;
};

}  // namespace beamgrid
