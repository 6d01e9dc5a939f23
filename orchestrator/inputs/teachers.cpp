#include "orchestrator/inputs/teachers.h"

#include <optional>
#include <utility>

#include "orchestrator/inputs/recipe_files.h"
#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "trainer/data/teacher.h"

namespace beamgrid {
namespace {

/// Counts up whenever a teacher is judged by other rules: what is kept would be wrong.
constexpr char kRules[] = "1";

/// Returns where it is noted that the teacher suits the data; nothing where nothing is kept.
std::optional<std::filesystem::path> NotePath(const DataSpec& data, const NamedFile& file) {
  const std::optional<std::filesystem::path> folder = CacheFolder();
  if (!folder) return std::nullopt;
  return *folder / ("teacher-" + HashBytes(kRules + CanonicalText({.data = data}) + file.hash));
}

/// Returns what is wrong with the file for the data; empty where nothing is.
std::string ProblemWith(const NamedFile& file, const DataSpec& data,
                        CensusOptions::Reading reading) {
  const std::optional<std::filesystem::path> note = NotePath(data, file);
  const bool believed = reading == CensusOptions::Reading::kWhatIsNew;
  if (note && believed && ReadCached(*note)) return "";
  const std::string problem = ProblemOf(CoverageOf(Teacher(file, data.classes), data));
  if (!problem.empty()) return file.path + ": " + problem;
  if (note) WriteCached(*note, kRules);
  return "";
}

}  // namespace

std::vector<Diagnostic> TeacherMistakes(const Recipe& recipe, const DataSpec& data,
                                        CensusOptions::Reading reading) {
  const FindFile find = FilesBeside(recipe.path);
  std::vector<Diagnostic> mistakes;
  for (const TeacherReference& teacher : recipe.teachers) {
    std::string problem;
    try {
      problem = ProblemWith(find(teacher.text), data, reading);
    } catch (const Error& error) {
      if (IsMachineFault(SystemCode(error))) throw;
      problem = error.what();
    }
    if (!problem.empty()) mistakes.push_back({teacher.place, teacher.key, std::move(problem)});
  }
  return mistakes;
}

}  // namespace beamgrid
