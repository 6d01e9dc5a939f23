#pragma once
// `beamgrid run` without its finishing steps (ensemble, tables): everything real is put together
// here.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/machine/machine_share.h"
#include "orchestrator/progress_display.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/study_runner.h"
#include "registry/catalogue.h"
#include "search/recipe.h"

namespace beamgrid {

class KeptAnswer;

/// RunStudyOptions is where a study runs, beside what its recipe says.
struct RunStudyOptions {
  std::filesystem::path database = "beamgrid.db";
  std::filesystem::path runs;     ///< empty: where the record's attempts lie (Store::runs)
  std::filesystem::path trainer;  ///< FindTrainer()
  ProgressMode progress = ProgressMode::kAuto;
  ShareMode share = ShareMode::kWaitForSlots;
  std::vector<std::string> retry;  ///< failed trials to try again; see ChooseRetries
  bool accept_changes = false;     ///< see RunnerSettings
  std::function<void(const StudyChange&)> on_change;
  /// Repeated where it is known and nothing has changed; else offered what the run came to. May be
  /// null.
  KeptAnswer* answer = nullptr;
};

/// Parses a recipe; files that it names lie beside it. Throws RecipeError with its mistakes.
[[nodiscard]] Recipe LoadRecipe(const RecipeSource& source, const Catalogue& catalogue);

/// Reads and judges the study's data, locks it, runs it to the end or to an interrupt (SIGINT,
/// SIGTERM and SIGHUP are caught while it runs). Throws RecipeError for globs and data that
/// contradict the recipe and for trials to start from that are not there; UsageError where the
/// study is locked or finished trials would leave its answer; Error where the environment broke.
[[nodiscard]] StudyResult RunStudy(const Recipe& recipe, const Catalogue& catalogue,
                                   const RunStudyOptions& options);

}  // namespace beamgrid
