#pragma once
// The record of others, looked at again and again while they write it, replace it or bring it up to
// date.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "registry/store/study_lock.h"
#include "registry/util/file_stamp.h"

namespace beamgrid {

/// Returns which file a path leads to, however it was written to; empty: to none.
[[nodiscard]] std::string FileIdentity(const std::filesystem::path& path);

/// RecordWatch opens the record anew after each change. So a file that was replaced, a record that
/// another version brought up to date and a commit are one case. Owned by one thread.
class RecordWatch {
 public:
  /// `open` opens the record to be read, and throws where it cannot be.
  RecordWatch(std::filesystem::path database, std::function<std::unique_ptr<Store>()> open);

  /// Returns true if the record may be another one than at the last look; at the first look it is.
  /// Costs two questions to the file system, and one for each study.
  [[nodiscard]] bool Look();
  /// Returns the record as it was at the last look, or later. Throws what `open` does; then each
  /// later look says that the record is another one until it can be opened again.
  [[nodiscard]] const Store& store();
  /// Tells which of its studies are being run. After store(), until the next look.
  [[nodiscard]] const RunningStudies& running() const { return *running_; }

 private:
  /// Seen is what a look saw of the files; nothing of one that is not there.
  struct Seen {
    std::optional<FileStamp> database, log;
    bool operator==(const Seen&) const = default;
  };
  [[nodiscard]] Seen SeeFiles() const;
  [[nodiscard]] std::set<std::string> StudiesThatRun() const;
  void Close();

  std::filesystem::path database_;
  std::function<std::unique_ptr<Store>()> open_;
  std::optional<Seen> seen_;
  bool may_have_missed_ = false;  ///< a file was written in the same tick in which it was looked at
  std::unique_ptr<RunningStudies> running_;  ///< made before the store, and outlives it
  std::unique_ptr<Store> store_;
  std::vector<std::string> studies_;  ///< of the record
  std::set<std::string> run_;         ///< those of them that are run
};

}  // namespace beamgrid
