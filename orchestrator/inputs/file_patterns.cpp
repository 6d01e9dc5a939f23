#include "orchestrator/inputs/file_patterns.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

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
        Walk(folder, before + alternative + after, found);
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
  /// Takes a file, or goes on in a folder; false where there is neither.
  bool Take(const fs::path& path, std::string_view rest, Found found) {
    std::error_code missing;
    if (rest.empty()) {
      if (!fs::is_regular_file(path, missing)) return false;
      files_.push_back(path.lexically_normal().string());
      return true;
    }
    if (!fs::is_directory(path, missing)) return false;
    Walk(path, rest, found);
    return true;
  }

  static std::vector<std::string> NamesIn(const fs::path& folder, Found found) {
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      names.push_back(entry->path().filename().string());
    }
    // One among many that match, such as lost+found, is somebody else's.
    if (IsMachineFault(failure.value()) && found == Found::kByName) {
      throw SystemError(folder, "cannot list the folder", failure.value());
    }
    return names;
  }

  std::vector<std::string> files_;
};

}  // namespace

bool ByFileName(const std::string& left, const std::string& right) {
  const auto left_name = fs::path(left).filename();
  const auto right_name = fs::path(right).filename();
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
