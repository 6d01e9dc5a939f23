#pragma once
// The files by which the orchestrators of one user share a machine: a table that is read and
// replaced under a lock held for microseconds, and one locked file per living orchestrator.

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "orchestrator/workers/process.h"

namespace beamgrid {

/// The folder, to itself while this lives. Error with the path where it cannot be used: it belongs
/// to somebody else or others may write to it, the disk is full ...
class ShareVisit {
 public:
  /// Makes the folder where there is none. Nothing where another process keeps it to itself for
  /// longer than `patience`.
  [[nodiscard]] static std::optional<ShareVisit> Begin(const std::filesystem::path& folder,
                                                       std::chrono::milliseconds patience);

  [[nodiscard]] std::string ReadTable() const;  ///< empty: there is none
  void WriteTable(const std::string& text) const;

  /// Makes and locks the file that says that orchestrator `id` lives, which it does until the
  /// descriptor is closed or the process dies. Files of the dead are removed.
  [[nodiscard]] UniqueFd Announce(const std::string& id) const;
  /// The file of one that does not is removed.
  [[nodiscard]] bool IsAlive(const std::string& id) const;
  void Remove(const std::string& id) const;

 private:
  ShareVisit(std::filesystem::path path, UniqueFd folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}
  void RemoveDead() const;
  [[noreturn]] void Fail(const std::string& file) const;

  std::filesystem::path path_;
  UniqueFd folder_;
  UniqueFd gate_;
};

}  // namespace beamgrid
