#pragma once
// `beamgrid run` without its finishing steps (ensemble, tables): everything real is put together
// here.

#include <filesystem>

#include "orchestrator/machine/machine_share.h"
#include "orchestrator/progress_display.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/study_runner.h"
#include "registry/catalogue.h"
#include "search/recipe.h"

namespace beamgrid {

struct RunStudyOptions {
  std::filesystem::path database = "beamgrid.db";
  std::filesystem::path runs = "runs";
  std::filesystem::path trainer;  ///< FindTrainer()
  ProgressMode progress = ProgressMode::kAuto;
  ShareMode share = ShareMode::kWaitForSlots;
};

/// Recipe text from a file, parsed. UsageError if the file cannot be read, RecipeError with its
/// mistakes.
[[nodiscard]] Recipe LoadRecipe(const std::filesystem::path& path, const Catalogue& catalogue);

/// The recipe's data files, with no digest yet. RecipeError for globs that match nothing and for
/// first records that contradict the recipe.
[[nodiscard]] DataSpec CheckedData(const Recipe& recipe);

/// Checks the study's data, locks it, runs it to the end or to an interrupt (SIGINT and SIGTERM are
/// caught while it runs). RecipeError for globs and data that contradict the recipe and for trials
/// to start from that are not there; UsageError where the study is locked or of another recipe;
/// Error where the environment broke.
[[nodiscard]] StudyResult RunStudy(const Recipe& recipe, const Catalogue& catalogue,
                                   const RunStudyOptions& options);

}  // namespace beamgrid
