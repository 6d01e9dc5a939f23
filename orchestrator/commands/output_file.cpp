#include "orchestrator/commands/output_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "registry/util/error.h"
#include "registry/util/half_written.h"

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

/// Returns the place that is written where `out` is named: of a link what it points to.
fs::path PlaceOf(const std::string& out) {
  std::error_code ignored;
  fs::path path = fs::weakly_canonical(fs::absolute(out), ignored);
  // A link whose target is not there yet.
  if (fs::is_symlink(path, ignored)) {
    path = fs::weakly_canonical(path.parent_path() / fs::read_symlink(path, ignored), ignored);
  }
  // "x/" is the folder x.
  return path.has_filename() ? path : path.parent_path();
}

/// Returns what to do about an output that cannot be written; nothing of it is kept.
std::string FixOf(int code, const std::string& option) {
  const std::string other = " or name another place with " + option + ", then run again";
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "make room on the disk" + other;
    case EROFS:
      return "make the file system writable" + other;
    case EACCES:
    case EPERM:
      return "check the permissions of the file and its folder" + other;
    case EFBIG:
      return "allow larger files (ulimit -f), then run again";
    case EIO:
      return "check the disk" + other;
    default:
      return FixForSystemError(code);
  }
}

/// True if there is nothing to lose at the path: no file, an empty one, or one with a mark of such
/// outputs. Data, recipes and whatever else a user has have none.
bool MayReplace(const fs::path& path, const std::vector<OutputMark>& marks) {
  std::ifstream file(path, std::ios::binary);
  std::string start(2048, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  return start.empty() || std::ranges::any_of(marks, [&](const OutputMark& mark) {
           return start.starts_with(mark.beginning) &&
                  start.find(mark.near_beginning) != std::string::npos;
         });
}

[[noreturn]] void Refuse(const std::string& out, const std::string& why) {
  throw UsageError("--out: " + out + " " + why);
}

}  // namespace

fs::path OutputFile(const std::string& out, const std::vector<std::string>& inputs,
                    const DatabaseOption& database, const Store* store,
                    const std::vector<OutputMark>& marks) {
  if (out.empty()) throw UsageError("--out: must name a file");
  std::error_code ignored;
  // By the name as it was given: what /dev/stdout links to is a pipe, which has no path.
  const fs::file_status status = fs::status(out, ignored);
  if (fs::is_directory(status)) Refuse(out, "is a folder; name a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    Refuse(out, "is a device or a pipe, and would be replaced by a file; name a file");
  }
  const fs::path path = PlaceOf(out);
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
  if (!MayReplace(path, marks)) {
    Refuse(out,
           "is there, and is no earlier output of this command; name another file or remove it");
  }
  return path;
}

std::optional<std::string> OutputFault(const SystemError& error, const std::string& option,
                                       const std::string& named) {
  std::error_code ignored;
  const fs::path place = PlaceOf(named);
  const fs::path found = fs::weakly_canonical(fs::absolute(error.path()), ignored);
  const fs::path temporary = HalfWrittenName(place);
  // The new name is an entry of the folder around it, which is written last.
  const bool is_entry = found == place.parent_path() && error.reason().starts_with("cannot write");
  if (found != place && found != temporary && !LiesIn(found, place) && !LiesIn(found, temporary) &&
      !is_entry) {
    return std::nullopt;
  }
  const std::string fix = FixOf(error.code(), option);
  return option + ": " + named + ": " + error.reason() + (fix.empty() ? "" : "; " + fix);
}

}  // namespace beamgrid
