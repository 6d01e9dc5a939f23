#include "orchestrator/housekeeping/runs_folder.h"

#include <iterator>
#include <system_error>
#include <vector>

#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns the names from `folder` down to `path`; none where it does not lie below.
std::vector<fs::path> NamesBelow(const fs::path& folder, const fs::path& path) {
  const fs::path relative = path.lexically_relative(folder);
  std::vector<fs::path> names(relative.begin(), relative.end());
  if (names.empty() || names.front() == "." || names.front() == "..") return {};
  return names;
}

fs::path RealPathOf(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(fs::absolute(path), error);
  return error ? fs::absolute(path).lexically_normal() : real;
}

}  // namespace

RunsFolder::RunsFolder(const fs::path& runs)
    : named_(fs::absolute(runs).lexically_normal()), runs_(RealPathOf(runs)) {}

/// Walks down from the runs folder. The folder of a trial or an attempt that is a link is what is
/// deleted instead of what it leads to. A study's folder that is one is left alone, for other
/// trials lie behind it; so is a link above a single file, which may hold what nobody asked about.
RunsFolder::Found RunsFolder::Find(const fs::path& path) const {
  const fs::path whole = fs::absolute(path).lexically_normal();
  std::vector<fs::path> names = NamesBelow(named_, whole);
  if (names.empty()) names = NamesBelow(runs_, whole);
  if (names.empty()) {
    return {{}, "does not lie below the runs folder " + runs_.string() + " (--runs names another)"};
  }
  constexpr std::size_t kStudyTrialAttempt = 3;
  fs::path found = runs_;
  for (std::size_t level = 0; level < names.size(); ++level) {
    found /= names[level];
    std::error_code error;
    const fs::file_type type = fs::symlink_status(found, error).type();
    if (type != fs::file_type::symlink || level + 1 == names.size()) continue;
    const bool single_file = names.size() > kStudyTrialAttempt;
    if (level == 0 || single_file) {
      return {{}, "is reached by the link " + found.string() + ", behind which nothing is deleted"};
    }
    return {found, ""};
  }
  return {found, ""};
}

std::string RunsFolder::Obstacle(const fs::path& path) const { return Find(path).obstacle; }

void RunsFolder::Delete(const fs::path& path) const {
  const Found found = Find(path);
  if (!found.obstacle.empty()) throw Error(path.string() + " " + found.obstacle);
  std::error_code error;
  fs::remove_all(found.path, error);
  if (error) throw SystemError(found.path, "cannot delete", error.value());
  // Refused for a folder that holds something, which is what we want. One that is gone already was
  // deleted by somebody who was killed before he came to those above it.
  for (fs::path above = found.path.parent_path(); above != runs_; above = above.parent_path()) {
    fs::remove(above, error);
    if (error) break;
  }
}

}  // namespace beamgrid
