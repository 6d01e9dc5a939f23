#pragma once
// A file that a recipe names and that is part of a model: a TorchScript module, a plugin. What it
// holds defines a result; where it lies does not.

#include <boost/json.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace beamgrid {

struct NamedFile {
  std::string name;  ///< as the recipe or the command line writes it
  std::string path;  ///< absolute; empty: nobody has looked for it
  std::string hash;  ///< HashFile of its content
  bool operator==(const NamedFile&) const = default;
};

/// The file `name`, relative to `folder`, with `~` and `$NAME` as in user_path.h. Error where it
/// cannot be read.
[[nodiscard]] NamedFile LookAtFile(const std::string& name, const std::filesystem::path& folder);

/// Throws Error where the file is gone or holds something else than when it was looked at.
void CheckUnchanged(const NamedFile& file);

/// {"file": name, "hash": ..., "path": ...}: the value of an option of type `file`.
[[nodiscard]] boost::json::value ToJson(const NamedFile& file);
/// Nothing where `value` is no such object.
[[nodiscard]] std::optional<NamedFile> NamedFileFrom(const boost::json::value& value);

/// `value` with every file in it, however deep, replaced by {"hash": ...}.
[[nodiscard]] boost::json::value WithHashesForFiles(const boost::json::value& value);

}  // namespace beamgrid
