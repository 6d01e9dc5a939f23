#include "orchestrator/inputs/file_patterns.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "registry/util/input_error.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Braces is the first alternatives in a pattern.
struct Braces {
  std::size_t begin = 0, end = 0;  ///< of the braces, both included
  std::vector<std::string> alternatives;
};

/// Returns where the pattern's part that begins at 0 ends: at the next '/' outside of braces.
std::size_t EndOfPart(std::string_view pattern) {
  int depth = 0;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == '{')
      ++depth;
    else if (pattern[at] == '}')
      --depth;
    else if (pattern[at] == '/' && depth <= 0)
      return at;
  }
  // Braces that nobody closes are no braces.
  return depth > 0 ? std::min(pattern.find('/'), pattern.size()) : pattern.size();
}

std::optional<Braces> FirstBraces(std::string_view part) {
  Braces braces;
  int depth = 0;
  std::string alternative;
  for (std::size_t at = 0; at < part.size(); ++at) {
    const char c = part[at];
    if (c == '\\' && at + 1 < part.size()) {
      if (depth > 0) alternative += part.substr(at, 2);
      ++at;
      continue;
    }
    if (c == '{' && depth++ == 0) {
      braces.begin = at;
      continue;
    }
    if (depth == 0) continue;
    if (c == '}' && --depth == 0) {
      braces.end = at;
      braces.alternatives.push_back(alternative);
      // "{}" stands for itself, as in a shell.
      if (braces.end == braces.begin + 1) return std::nullopt;
      return braces;
    }
    if (c == ',' && depth == 1) {
      braces.alternatives.push_back(std::exchange(alternative, {}));
    } else {
      alternative += c;
    }
  }
  return std::nullopt;
}

bool IsPattern(std::string_view part) {
  return part.find_first_of("*?[\\") != std::string_view::npos;
}

/// How a folder was found: by its name, or because a pattern matches it.
enum class Found { kByName, kByPattern };

/// PatternWalk goes through the folders that a pattern reaches.
class PatternWalk {
 public:
  /// Follows `pattern` from `folder` on.
  void Walk(const fs::path& folder, std::string_view pattern, Found found) {
    while (pattern.starts_with('/')) pattern.remove_prefix(1);
    const std::string_view part = pattern.substr(0, EndOfPart(pattern));
    const std::string_view rest = pattern.substr(part.size());
    if (part.empty() || Take(folder / part, rest, found)) return;
    if (const std::optional<Braces> braces = FirstBraces(part)) {
      const std::string before(part.substr(0, braces->begin));
      const std::string after = std::string(part.substr(braces->end + 1)).append(rest);
      for (const std::string& alternative : braces->alternatives) {
        const std::size_t files = files_.size();
        Walk(folder, before + alternative + after, found);
        // Whoever writes out alternatives wants each of them. In one folder of many it may be away.
        if (files_.size() == files && found == Found::kByName) {
          throw InputError("no file matches " + (folder / (before + alternative + after)).string() +
                           ", which the braces ask for");
        }
      }
    } else if (IsPattern(part)) {
      for (const std::string& name : NamesIn(folder, found)) {
        if (::fnmatch(std::string(part).c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
        std::ignore = Take(folder / name, rest, Found::kByPattern);
      }
    }
  }

  std::vector<std::string> Files() && { return std::move(files_); }

 private:
  /// Takes a file, or goes on in a folder; false where there is neither. Throws Error for what is
  /// there and cannot be read: left out, it would be missed by nobody.
  bool Take(const fs::path& path, std::string_view rest, Found found) {
    const fs::file_type type = TypeOf(path);
    if (type == fs::file_type::not_found) return false;
    if (rest.empty()) {
      if (type == fs::file_type::directory) return false;
      if (type != fs::file_type::regular) throw InputError(path.string() + ": is no regular file");
      files_.push_back(path.lexically_normal().string());
      return true;
    }
    if (type != fs::file_type::directory) return false;
    Walk(path, rest, found);
    return true;
  }

  static fs::file_type TypeOf(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (status.type() == fs::file_type::not_found) {
      std::error_code ignored;
      if (fs::is_symlink(fs::symlink_status(path, ignored))) {
        throw InputError(path.string() + ": is a link to what is not there");
      }
      return fs::file_type::not_found;
    }
    // Long alternatives are a pattern, and no name.
    if (failure == std::errc::filename_too_long) return fs::file_type::not_found;
    if (failure) throw SystemError(path, "cannot look at it", failure.value());
    return status.type();
  }

  static std::vector<std::string> NamesIn(const fs::path& folder, Found found) {
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      names.push_back(entry->path().filename().string());
    }
    // That of the file system itself holds nobody's data.
    const bool of_the_system = found == Found::kByPattern && folder.filename() == "lost+found";
    if (IsMachineFault(failure.value()) && !of_the_system) {
      throw SystemError(folder, "cannot list the folder", failure.value());
    }
    return names;
  }

  std::vector<std::string> files_;
};

}  // namespace

bool ByFileName(const std::string& left, const std::string& right) {
  const auto name = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
  const std::string_view left_name = name(left), right_name = name(right);
  return left_name != right_name ? left_name < right_name : left < right;
}

std::vector<std::string> ExpandGlob(const std::string& pattern, const fs::path& folder) {
  PatternWalk walk;
  const bool absolute = pattern.starts_with('/');
  walk.Walk(absolute ? fs::path("/") : fs::absolute(folder), pattern, Found::kByName);
  std::vector<std::string> files = std::move(walk).Files();
  std::sort(files.begin(), files.end(), ByFileName);
  return files;
}

}  // namespace beamgrid
