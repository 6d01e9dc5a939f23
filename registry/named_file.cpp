#include "registry/named_file.h"

#include <system_error>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "registry/util/user_path.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

constexpr char kFile[] = "file";
constexpr char kHash[] = "hash";
constexpr char kPath[] = "path";

NamedFile Look(const std::string& name, const std::filesystem::path& path) {
  if (const std::string problem = ProblemOfPath(path.string()); !problem.empty()) {
    throw Error(problem);
  }
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  // What the machine keeps us from seeing may well be there.
  if (IsMachineFault(error.value())) throw SystemError(path, "cannot look at it", error.value());
  if (!std::filesystem::exists(status)) throw Error(path.string() + ": there is no such file");
  if (!std::filesystem::is_regular_file(status)) throw Error(path.string() + ": is no file");
  return {.name = name, .path = path.string(), .hash = HashFile(path)};
}

void PutHashesForFiles(json::value& value) {
  if (json::array* list = value.if_array()) {
    for (json::value& item : *list) PutHashesForFiles(item);
  } else if (NamedFileFrom(value)) {
    value.as_object().erase(kFile);
    value.as_object().erase(kPath);
  } else if (json::object* object = value.if_object()) {
    for (auto& member : *object) PutHashesForFiles(member.value());
  }
}

}  // namespace

NamedFile LookAtFile(const std::string& name, const std::filesystem::path& folder) {
  const std::filesystem::path beside = std::filesystem::absolute(folder);
  return Look(name, (beside / UserPath(name, beside)).lexically_normal());
}

void CheckUnchanged(const NamedFile& file) {
  if (Look(file.name, file.path).hash == file.hash) return;
  throw Error(file.path + ": has changed since the trial was planned; plan it again");
}

json::value ToJson(const NamedFile& file) {
  json::object object;
  object[kFile] = file.name;
  object[kHash] = file.hash;
  object[kPath] = file.path;
  return object;
}

std::optional<NamedFile> NamedFileFrom(const json::value& value) {
  const json::object* object = value.if_object();
  // By its shape: an option's value has no type beside it, and no other value is such an object.
  if (object == nullptr || object->size() != 3) return std::nullopt;
  const auto text = [object](const char* key) -> const json::string* {
    const json::value* member = object->if_contains(key);
    return member == nullptr ? nullptr : member->if_string();
  };
  const json::string *name = text(kFile), *hash = text(kHash), *path = text(kPath);
  if (name == nullptr || hash == nullptr || path == nullptr) return std::nullopt;
  return NamedFile{
      .name = std::string(*name), .path = std::string(*path), .hash = std::string(*hash)};
}

json::value WithHashesForFiles(const json::value& value) {
  json::value result = value;
  PutHashesForFiles(result);
  return result;
}

}  // namespace beamgrid
