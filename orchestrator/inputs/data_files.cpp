#include "orchestrator/inputs/data_files.h"

#include <glob.h>

#include <algorithm>
#include <memory>
#include <set>

#include "orchestrator/inputs/class_list.h"
#include "registry/util/error.h"
#include "registry/util/utf8.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace {

// By name first: data that moved to another folder, or are spread over two, keep their order and
// with it the digest.
bool ByFileName(const std::string& left, const std::string& right) {
  const auto left_name = std::filesystem::path(left).filename();
  const auto right_name = std::filesystem::path(right).filename();
  return left_name != right_name ? left_name < right_name : left < right;
}

/// Returns the files of all patterns, each once; a diagnostic for every pattern that matches none.
std::vector<std::string> FilesOf(const std::vector<std::string>& patterns,
                                 const std::filesystem::path& folder, const Place& place,
                                 const std::string& key, std::vector<Diagnostic>* diagnostics) {
  std::set<std::string> files;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> found = ExpandGlob(pattern, folder);
    files.insert(found.begin(), found.end());
    // One stands for all: most often it is their folder.
    const auto unnamed = std::ranges::find_if_not(found, IsWellFormedUtf8);
    if (unnamed != found.end()) diagnostics->push_back({place, key, ProblemOfPath(*unnamed)});
    if (!found.empty()) continue;
    diagnostics->push_back({place, key,
                            "\"" + pattern + "\" matches no file; it is looked for as " +
                                (folder / pattern).lexically_normal().string()});
  }
  std::vector<std::string> sorted(files.begin(), files.end());
  std::sort(sorted.begin(), sorted.end(), ByFileName);
  return sorted;
}

}  // namespace

std::vector<std::string> ExpandGlob(const std::string& pattern,
                                    const std::filesystem::path& folder) {
  const std::filesystem::path absolute = std::filesystem::absolute(folder) / pattern;
  glob_t matches{};
  // GLOB_NOSORT: its order follows the locale, ours must not.
  const int code = ::glob(absolute.c_str(), GLOB_BRACE | GLOB_NOSORT, nullptr, &matches);
  const std::unique_ptr<glob_t, decltype(&::globfree)> freed(&matches, &::globfree);
  if (code == GLOB_NOSPACE) throw Error("out of memory while looking for " + absolute.string());
  std::vector<std::string> files;
  for (std::size_t i = 0; code == 0 && i < matches.gl_pathc; ++i) {
    const std::filesystem::path path = matches.gl_pathv[i];
    if (std::filesystem::is_regular_file(path)) files.push_back(path.lexically_normal().string());
  }
  std::sort(files.begin(), files.end(), ByFileName);
  return files;
}

DataSpec FindDataFiles(const Recipe& recipe) {
  const DataSettings& settings = recipe.data;
  const std::filesystem::path folder = std::filesystem::absolute(recipe.path).parent_path();
  std::vector<Diagnostic> diagnostics;
  DataSpec data{
      .format = settings.format,
      .train = FilesOf(settings.train, folder, settings.train_place, "data.train", &diagnostics),
      .validate = FilesOf(settings.validate, folder, settings.validate_place, "data.validate",
                          &diagnostics),
      .classes = settings.classes,
      .features = settings.features,
      .max_frames = settings.max_frames,
      .on_error = settings.on_error,
      .unrated = settings.unrated};
  // Only then: the classes are a part of the identity, and a list that weighs nothing must not make
  // other trials.
  if (settings.class_weight != 1) {
    data.weighted_classes = WeightedClasses(settings, folder, &diagnostics);
    data.class_weight = settings.class_weight;
  }
  if (!diagnostics.empty()) throw RecipeError(std::move(diagnostics));
  return data;
}

DataSpec ResolveData(const Recipe& recipe) {
  DataSpec data = FindDataFiles(recipe);
  data.digest = DataDigest(data);
  return data;
}

}  // namespace beamgrid
