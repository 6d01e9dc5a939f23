#include "orchestrator/study/runs_folder.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns the names that the record has for attempts' folders, those of the latest trials first;
/// only those in its runs folder, and at most `most`.
std::vector<std::string> AttemptFolders(const Store& store, std::int64_t most) {
  std::vector<std::string> folders;
  const Store::Table attempts = store.Query(
      "SELECT directory FROM attempt ORDER BY trial DESC, number DESC LIMIT CAST(:most AS INTEGER)",
      {{"most", std::to_string(most)}});
  for (const auto& row : attempts.rows) {
    const std::string name(row.front().as_string());
    if (!fs::path(name).is_absolute()) folders.push_back(name);
  }
  return folders;
}

bool HoldsAny(const fs::path& runs, const std::vector<std::string>& folders) {
  return std::ranges::any_of(folders, [&](const std::string& folder) {
    std::error_code ignored;
    return fs::exists(runs / folder, ignored);
  });
}

}  // namespace

std::string UseRunsFolder(Store& store, const fs::path& named) {
  // One that is there is enough, and hardly ever is it not among the first.
  constexpr std::int64_t kFew = 16, kAll = -1;
  std::vector<std::string> folders = AttemptFolders(store, kFew);
  if (!HoldsAny(named.empty() ? store.runs() : named, folders)) {
    folders = AttemptFolders(store, kAll);
  }
  const fs::path known = store.runs();
  if (!named.empty()) store.SetRuns(named);
  const bool missing = !folders.empty() && !HoldsAny(store.runs(), folders);
  if (missing && store.runs() != known && HoldsAny(known, folders)) {
    throw UsageError("--runs: " + store.runs().string() +
                     " holds none of this record's attempts, they lie in " + known.string() +
                     "; leave --runs out, or move that folder to where you want it");
  }
  store.RememberRuns();
  if (!missing) return {};
  return "warning: the runs folder " + store.runs().string() +
         " holds none of this record's attempts: checkpoints and predictions of earlier runs are "
         "out of reach (--runs names the folder where they lie)";
}

}  // namespace beamgrid
