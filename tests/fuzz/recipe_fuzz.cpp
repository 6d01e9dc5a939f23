// Recipes: no bytes make the reader answer anything but a recipe or mistakes with their places, and
// no name of a recipe leads out of the folder that its trials write to.
#include <filesystem>

#include "orchestrator/study/attempt_starter.h"
#include "registry/util/error.h"
#include "search/search_space.h"
#include "search/strategy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

void CheckFolder(const std::string& study, const std::string& trial) {
  const fs::path runs = "/runs";
  for (const std::string& name : {study, trial}) {
    fuzz::Require(!name.empty() && name != "." && name != "..", "a name is a folder's");
    fuzz::Require(name.find_first_of(std::string_view("/\0\n", 3)) == std::string::npos,
                  "a name is one folder's");
    fuzz::Require(name.size() < 256, "a name is short enough for a folder");
  }
  const fs::path folder = (runs / study / trial).lexically_normal();
  fuzz::Require(folder.parent_path().parent_path() == runs,
                "a trial's folder is below its study's");
}

/// What hangs on a recipe that has no mistake, for its first few models.
void Use(const Recipe& recipe, const Catalogue& catalogue) {
  constexpr int kModels = 5;
  const SearchSpace space(recipe, catalogue);
  fuzz::Require(!RecipeDigest(recipe).empty(), "a recipe has a digest");
  const auto strategy = MakeStrategyFor(space, recipe);
  for (int i = 0; i < kModels; ++i) {
    const std::optional<Candidate> candidate = strategy->Ask();
    if (!candidate) return;
    const TrialSpec trial{.model = candidate->model, .data = {}, .seed = recipe.seeds.front()};
    CheckFolder(recipe.name, TrialFolderName(candidate->name, trial.seed, HashBytes("trial")));
    fuzz::Require(ModelSpecFromJson(ToJson(trial.model)) == trial.model, "models can be recorded");
    strategy->Tell({candidate->name, candidate->model, 0.5, 1000});
  }
}

void CheckMistakes(const RecipeError& error) {
  fuzz::Require(!error.diagnostics().empty(), "a refusal has a reason");
  for (const Diagnostic& diagnostic : error.diagnostics()) {
    fuzz::Require(diagnostic.place.line > 0 && diagnostic.place.column > 0, "it has a place");
    fuzz::Require(!diagnostic.message.empty(), "it has words");
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static const Catalogue catalogue = CatalogueWithFrom();
  const std::string text(fuzz::TextOf(data, size));
  fuzz::Accepts<RecipeError>([&] { static_cast<void>(PluginsOfRecipe(text, "fuzz.toml")); });
  std::optional<Recipe> recipe;
  try {
    recipe = ParseRecipe(text, "fuzz.toml", catalogue);
  } catch (const RecipeError& error) {
    CheckMistakes(error);
    return 0;
  }
  fuzz::Accepts<RecipeError, UsageError>([&] { Use(*recipe, catalogue); });
  return 0;
}
