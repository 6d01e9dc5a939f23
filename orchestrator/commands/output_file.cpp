#include "orchestrator/commands/output_file.h"

#include <algorithm>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

bool IsSame(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored) && !ignored;
}

/// True if the path lies below the folder.
bool LiesIn(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  const fs::path above = fs::weakly_canonical(folder, ignored);
  const auto [in_folder, in_path] = std::ranges::mismatch(above, path);
  return !above.empty() && in_folder == above.end() && in_path != path.end();
}

[[noreturn]] void Refuse(const std::string& out, const std::string& why) {
  throw UsageError("--out: " + out + " " + why);
}

}  // namespace

fs::path OutputFile(const std::string& out, const std::vector<std::string>& inputs,
                    const DatabaseOption& database, const Store* store) {
  if (out.empty()) throw UsageError("--out: must name a file");
  std::error_code ignored;
  fs::path path = fs::weakly_canonical(fs::absolute(out), ignored);
  // A link whose target is not there yet.
  if (fs::is_symlink(path, ignored)) {
    path = fs::weakly_canonical(path.parent_path() / fs::read_symlink(path, ignored), ignored);
  }
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) Refuse(out, "is a folder; name a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    Refuse(out, "is a device or a pipe, and would be replaced by a file; name a file");
  }
  if (!fs::is_directory(path.parent_path(), ignored)) {
    Refuse(out, "has no folder to lie in: there is no " + path.parent_path().string());
  }
  for (const std::string& input : inputs) {
    if (!input.empty() && IsSame(input, path)) Refuse(out, "is read too; name another file");
  }
  for (const char* part : {"", "-wal", "-shm"}) {
    if (IsSame(database.path.string() + part, path)) {
      Refuse(out, "is the database; name another file");
    }
  }
  if (store != nullptr && LiesIn(path, store->runs())) {
    Refuse(out, "lies in the folder of the runs, which is the record's; name another place");
  }
  return path;
}

}  // namespace beamgrid
