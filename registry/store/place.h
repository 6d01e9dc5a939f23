#pragma once
// Where a database lies, and with it the files that its record names. People move and copy
// databases, runs folders and data, so the record says how they lie to each other.

#include <boost/json.hpp>
#include <filesystem>
#include <string>

namespace beamgrid {

/// Returns `path` absolute and with symbolic links followed as far as it is there: two spellings of
/// one file are one path.
[[nodiscard]] std::filesystem::path RealPath(const std::filesystem::path& path);

/// RecordPlace is the folder of a database file and the runs folder of its attempts. That of a
/// database in memory is empty and changes no path.
class RecordPlace {
 public:
  /// Follows symbolic links: what counts is where the file itself lies. Its runs folder is `runs`
  /// beside it.
  explicit RecordPlace(const std::filesystem::path& database);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const std::filesystem::path& runs() const { return runs_; }
  /// Names another runs folder, relative to the working directory.
  void SetRuns(const std::filesystem::path& runs);

  /// Takes the runs folder that the record remembers; an absolute one, which older programs left,
  /// only where there is none beside the database.
  void SetRemembered(const std::string& runs);
  /// Returns how the record remembers the runs folder: as seen from the database's folder.
  [[nodiscard]] std::string Remembered() const;

  /// Returns the name that the record has for an attempt's folder: from the runs folder on where it
  /// lies in it.
  [[nodiscard]] std::string Recorded(const std::filesystem::path& directory) const;
  /// Returns where that folder is now.
  [[nodiscard]] std::string Directory(const std::string& recorded) const;

  /// Returns where a file is that was at `recorded` when the database lay in `then`: where it is
  /// seen from the database's folder as it was, if a file is there, else the same place as ever.
  [[nodiscard]] std::string FileNow(const std::string& recorded, const std::string& then) const;
  /// Returns a trial's spec, or a model, with all its paths brought up to date by FileNow.
  [[nodiscard]] boost::json::value FilesNow(const boost::json::value& spec,
                                            const std::string& then) const;

 private:
  std::filesystem::path folder_, runs_;
};

}  // namespace beamgrid
