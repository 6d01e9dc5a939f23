#pragma once
// Deleting below the runs folder, and nowhere else.

#include <filesystem>
#include <string>

namespace beamgrid {

/// RunsFolder deletes files and folders of attempts. Whatever the record names, nothing outside of
/// the runs folder is touched: a path that is not below it is refused, and a symbolic link is never
/// followed but deleted itself.
class RunsFolder {
 public:
  /// The folder itself may be a link.
  explicit RunsFolder(const std::filesystem::path& runs);

  /// Returns what keeps a file or folder from being deleted, to be said after its path: "does not
  /// lie below the runs folder ...", "is reached by the link ..."; empty where nothing does. One
  /// that is not there can be deleted.
  [[nodiscard]] std::string Obstacle(const std::filesystem::path& path) const;

  /// Deletes it, with all that is in it, and the folders above that are empty then. One that is not
  /// there is fine. Throws Error where something keeps us from it.
  void Delete(const std::filesystem::path& path) const;

  [[nodiscard]] const std::filesystem::path& path() const { return runs_; }

 private:
  struct Found {
    std::filesystem::path path;  ///< what is to be deleted
    std::string obstacle;
  };
  [[nodiscard]] Found Find(const std::filesystem::path& path) const;

  std::filesystem::path named_;  ///< as it is called
  std::filesystem::path runs_;   ///< where it is
};

}  // namespace beamgrid
