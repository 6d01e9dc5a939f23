#include "orchestrator/commands/whole_recipe.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"

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
  for (Diagnostic& mistake : MistakesBeside(readable ? *readable : whole.recipe, files)) {
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
