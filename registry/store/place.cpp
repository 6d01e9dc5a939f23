#include "registry/store/place.h"

#include <functional>
#include <system_error>

#include "registry/named_file.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr char kInMemory[] = ":memory:";
constexpr char kUsualRuns[] = "runs";

bool IsThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// True if `path`, relative to a folder, leads out of it.
bool LeadsOut(const fs::path& path) { return path.empty() || *path.begin() == ".."; }

using Rename = std::function<std::string(const std::string&)>;

void RenameList(json::object& data, const char* key, const Rename& rename) {
  json::value* list = data.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (json::value& path : list->get_array()) {
    if (path.is_string()) path = rename(std::string(path.get_string()));
  }
}

void RenameFiles(json::value& value, const Rename& rename) {
  if (auto file = NamedFileFrom(value)) {
    if (file->path.empty()) return;
    file->path = rename(file->path);
    value = ToJson(*file);
  } else if (json::array* list = value.if_array()) {
    for (json::value& item : *list) RenameFiles(item, rename);
  } else if (json::object* object = value.if_object()) {
    for (auto& member : *object) RenameFiles(member.value(), rename);
  }
}

}  // namespace

fs::path RealPath(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  fs::path real = fs::weakly_canonical(absolute, error);
  // A folder that may not be looked into keeps its spelling: whoever opens it says why.
  return error ? absolute.lexically_normal() : real;
}

RecordPlace::RecordPlace(const fs::path& database) {
  if (database.empty() || database == kInMemory) return;
  folder_ = RealPath(database).parent_path();
  runs_ = folder_ / kUsualRuns;
}

void RecordPlace::SetRuns(const fs::path& runs) { runs_ = RealPath(runs); }

void RecordPlace::SetRemembered(const std::string& runs) {
  const bool old = fs::path(runs).is_absolute();
  if (runs.empty() || folder_.empty() || (old && IsThere(folder_ / kUsualRuns))) return;
  runs_ = RealPath(folder_ / runs);
}

std::string RecordPlace::Remembered() const { return runs_.lexically_relative(folder_).string(); }

std::string RecordPlace::Recorded(const fs::path& directory) const {
  if (runs_.empty() || !directory.is_absolute()) return directory.string();
  const fs::path inside = directory.lexically_normal().lexically_relative(runs_);
  return LeadsOut(inside) ? directory.string() : inside.string();
}

std::string RecordPlace::Directory(const std::string& recorded) const {
  // As text: to take paths apart takes longer than to read a trial.
  if (runs_.empty() || recorded.empty() || recorded.front() == '/') return recorded;
  const std::string& runs = runs_.native();
  return runs + (runs.back() == '/' ? "" : "/") + recorded;
}

std::string RecordPlace::FileNow(const std::string& recorded, const std::string& then) const {
  if (recorded.empty() || then.empty() || folder_.empty() || then == folder_) return recorded;
  const fs::path seen = fs::path(recorded).lexically_relative(then);
  if (seen.empty()) return recorded;
  const fs::path now = (folder_ / seen).lexically_normal();
  return IsThere(now) ? now.string() : recorded;
}

json::value RecordPlace::FilesNow(const json::value& spec, const std::string& then) const {
  const Rename rename = [&](const std::string& path) { return FileNow(path, then); };
  json::value now = spec;
  RenameFiles(now, rename);
  json::object* object = now.if_object();
  json::value* data = object == nullptr ? nullptr : object->if_contains("data");
  if (data != nullptr && data->is_object()) {
    RenameList(data->get_object(), "train", rename);
    RenameList(data->get_object(), "validate", rename);
  }
  return now;
}

}  // namespace beamgrid
