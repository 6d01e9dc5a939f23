#include "orchestrator/study/rescue.h"

#include <exception>
#include <system_error>

#include "registry/store/place.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns a name that nobody has.
fs::path RescueName(const fs::path& database) {
  const bool has_folder = fs::is_directory(database.parent_path());
  const fs::path folder = has_folder ? database.parent_path() : fs::temp_directory_path();
  std::string name = (folder / database.filename()).string() + ".rescued";
  while (fs::exists(name)) name += "+";
  return name;
}

}  // namespace

std::string RescueIfLost(const OpenDatabaseFiles& files, const Store& store,
                         const fs::path& database) {
  const std::string fate = files.Fate();
  if (fate.empty()) return {};
  const fs::path file = RealPath(database);
  const fs::path rescued = RescueName(file);
  try {
    store.CopyTo(rescued, store.runs());
  } catch (const std::exception& error) {
    return fate + " while the study ran, and what it held could not be saved: " + error.what();
  }
  if (files.HasItsLog()) {
    // SQLite leaves the log of a file that has moved, and would apply it to the next of its name.
    std::error_code ignored;
    fs::remove(LogOf(file), ignored);
    fs::remove(file.string() + "-shm", ignored);
  }
  return fate + " while the study ran; what it held is saved in " + rescued.string() +
         ": put that in its place, then run again";
}

}  // namespace beamgrid
