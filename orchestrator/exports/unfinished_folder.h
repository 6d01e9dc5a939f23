#pragma once
// A folder that is there whole or not at all.

#include <filesystem>
#include <string>

namespace beamgrid {

/// Throws UsageError where `out`, which `option` names, is no new or empty folder, or there is none
/// to make it in.
void CheckExportFolder(const std::filesystem::path& out, const std::string& option = "--out");

/// Returns the path from the root; "x/" is the folder x, whose name is not empty.
[[nodiscard]] std::filesystem::path WholePath(const std::filesystem::path& path);

/// UnfinishedFolder is a folder under a temporary name (half_written.h); its destructor removes it.
/// A process that is killed leaves it, and the next export into the same place removes that: it
/// knows it by the file `marker`, which whoever fills the folder writes first and removes last.
class UnfinishedFolder {
 public:
  UnfinishedFolder(const std::filesystem::path& out, const std::string& marker);
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Gives the folder its name, when all that is in it is on the disk.
  void Finish(const std::filesystem::path& out);

 private:
  std::filesystem::path path_;
};

}  // namespace beamgrid
