#pragma once
// The file of a database as the system sees it: what may be opened, and whether it is still the one
// that was.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace beamgrid {

/// Throws UsageError where no record may be kept in `path`: a folder, a device, a file with a
/// second name (a hard link, or mounted alone), beside which SQLite would not find its log; and
/// where there is a log without the database that it belongs to, which SQLite would throw away. A
/// file that is not there is fine.
void CheckDatabaseFile(const std::filesystem::path& path);

/// The file in which SQLite keeps what has not got into the database file yet.
[[nodiscard]] std::filesystem::path LogOf(const std::filesystem::path& database);

/// OpenDatabaseFiles notices when the files of an open database are deleted or replaced: whoever
/// has them open goes on writing to files that nobody finds again.
class OpenDatabaseFiles {
 public:
  /// Expects that the database is open, with its log.
  explicit OpenDatabaseFiles(const std::filesystem::path& database);

  /// Returns what became of them: "was deleted", "was replaced by another file". Empty: nothing.
  [[nodiscard]] std::string Fate() const;
  /// True if the log is still the one that was.
  [[nodiscard]] bool HasItsLog() const;

 private:
  /// A file, whatever its path.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  /// Nothing where there is no such file; `unknown` where it cannot be looked at.
  static std::optional<Identity> IdentityOf(const std::filesystem::path& path,
                                            const std::optional<Identity>& unknown);

  std::filesystem::path database_;
  std::optional<Identity> file_, log_;
};

}  // namespace beamgrid
