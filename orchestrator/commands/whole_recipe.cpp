#include "orchestrator/commands/whole_recipe.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"
#include "registry/util/nearest_spelling.h"

namespace beamgrid {
namespace {

/// Returns what is wrong beside the recipe's own text.
std::vector<Diagnostic> MistakesBeside(const Recipe& recipe, DataFiles files) {
  std::vector<Diagnostic> mistakes = PaperTableMistakes(recipe);
  if (files == DataFiles::kHere) {
    for (Diagnostic& missing : LookForDataFiles(recipe).missing) {
      mistakes.push_back(std::move(missing));
    }
  }
  return mistakes;
}

/// Returns whether the recipe is mistaken in what the features are, or in a key that is likely one
/// of theirs misspelt: what files say otherwise then follows from that.
bool IsOfFeatures(const Diagnostic& mistake) {
  constexpr std::string_view kData = "data.";
  if (!mistake.key.starts_with(kData)) return false;
  const std::string key = mistake.key.substr(kData.size());
  return !NearestSpelling(key.substr(0, key.find('.')), {"format", "features", "frame_types"})
              .empty();
}

auto PlaceOf(const Diagnostic& mistake) {
  return std::tuple(mistake.place.file, mistake.place.line, mistake.place.column);
}

}  // namespace

void TellRemarks(const CommandContext& context, const Recipe& recipe) {
  for (const Diagnostic& remark : recipe.remarks) context.Remark("note: " + ToString(remark));
}

WholeRecipe LoadWholeRecipe(const CommandContext& context, const RecipeSource& source,
                            DataFiles files) {
  WholeRecipe whole;
  std::vector<Diagnostic> mistakes;
  std::optional<Recipe> readable;
  try {
    whole.trainer = OpenTrainerFor(context, source);
    whole.recipe = LoadRecipe(source, whole.trainer.catalogue);
  } catch (const RecipeError& error) {
    readable = ReadableParts(source);  // throws the same where the text is no TOML
    mistakes = error.diagnostics();
    // Of how many classes nobody knows: each class of a list would be one too many.
    if (readable->data.classes < 1) readable->data.class_weight = 1;
  }
  const bool other_features = std::ranges::any_of(mistakes, IsOfFeatures);
  for (Diagnostic& mistake : MistakesBeside(readable ? *readable : whole.recipe, files)) {
    if (other_features && mistake.key == "data.features") continue;
    mistakes.push_back(std::move(mistake));
  }
  if (mistakes.empty()) {
    TellRemarks(context, whole.recipe);
    return whole;
  }
  std::ranges::stable_sort(mistakes, {}, PlaceOf);
  throw RecipeError(std::move(mistakes));
}

}  // namespace beamgrid
