#include "orchestrator/inputs/class_list.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "registry/util/text_file.h"
#include "registry/util/user_path.h"

namespace beamgrid {
namespace {

constexpr char kHeading[] = "Index";

/// Returns the first column of a line.
std::string FirstCell(const std::string& line) {
  std::string cell = line.substr(0, line.find(','));
  if (cell.ends_with('\r')) cell.pop_back();
  return cell;
}

std::optional<std::int32_t> ParseClass(const std::string& cell, std::int64_t classes) {
  const auto label = ParseNumber<std::int32_t>(cell);
  return label && *label >= 0 && *label < classes ? label : std::nullopt;
}

void SortUnique(std::vector<std::int32_t>* labels) {
  std::ranges::sort(*labels);
  labels->erase(std::ranges::unique(*labels).begin(), labels->end());
}

}  // namespace

std::vector<std::int32_t> ReadClassList(const std::filesystem::path& path, std::int64_t classes) {
  std::istringstream lines(ReadFile(path));
  std::string line;
  std::getline(lines, line);
  const std::string problem = ProblemOfText(line);
  if (!problem.empty()) throw InputError(path.string() + ": " + problem);
  if (line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  if (FirstCell(line) != kHeading) {
    throw InputError(path.string() + ":1: the first column must be '" + kHeading + "', is '" +
                     FirstCell(line).substr(0, 60) + "'");
  }
  std::vector<std::int32_t> labels;
  for (int number = 2; std::getline(lines, line); ++number) {
    const std::string cell = FirstCell(line);
    if (cell.empty()) continue;
    const std::optional<std::int32_t> label = ParseClass(cell, classes);
    if (!label) {
      throw InputError(path.string() + ":" + std::to_string(number) + ": '" + cell.substr(0, 60) +
                       "' is no class, must be 0.." + std::to_string(classes - 1) +
                       " (data.classes = " + std::to_string(classes) + ")");
    }
    labels.push_back(*label);
  }
  if (labels.empty()) throw InputError(path.string() + ": the file lists no class");
  SortUnique(&labels);
  return labels;
}

std::vector<std::int32_t> WeightedClasses(const DataSettings& settings,
                                          const std::filesystem::path& folder,
                                          std::vector<Diagnostic>* diagnostics) {
  std::vector<std::int32_t> labels(settings.weighted_classes.begin(),
                                   settings.weighted_classes.end());
  if (!settings.weighted_classes_file.empty()) {
    try {
      labels = ReadClassList(folder / UserPath(settings.weighted_classes_file, folder),
                             settings.classes);
    } catch (const Error& error) {
      // A broken disk is not a mistake in the recipe.
      if (IsMachineFault(SystemCode(error))) throw;
      diagnostics->push_back(
          {settings.weighted_classes_place, "data.weighted_classes", error.what()});
    }
  }
  SortUnique(&labels);
  return labels;
}

}  // namespace beamgrid
