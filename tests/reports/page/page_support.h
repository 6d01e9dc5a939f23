#pragma once
// A study for tests of the page: 3 temporal parts by 2 classifiers by 2 extras, two seeds each, of
// which one trial failed for want of memory before it completed and one failed for good.

#include <string>
#include <vector>

#include "reports/page/page.h"
#include "reports/page/section.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"

namespace beamgrid {

inline double PageScore(const ModelSpec& model) {
  const bool netvlad = model.parts.at("temporal").component == "netvlad";
  const bool moe = model.parts.at("classifier").component == "moe";
  return 0.5 + (netvlad ? 0.1 : 0) + (moe ? 0.02 : 0);
}

inline std::string PageRecipe() {
  return RecipeHead() +
         "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n"
         "[[grid.temporal]]\nuse = \"blstm\"\n[[grid.classifier]]\nuse = \"logistic\"\n"
         "[[grid.classifier]]\nuse = \"moe\"\n[grid.extras]\ndropout = [false, 0.5]\n"
         "[ensemble]\nsize_limit = \"1MiB\"\n";
}

/// Records the study under a name. `text`: its description, and in what else people write.
inline void FillPageStudy(Store& store, const std::string& name, const std::string& text = "") {
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseRecipe(PageRecipe(), "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  StudyRecord study = ExampleStudy(name);
  study.description = text;
  study.recipe_text = recipe.text;
  study.id = store.OpenStudy(study);
  for (std::int64_t point = 0; point < space.size(); ++point) {
    for (const std::int64_t seed : {1, 2}) {
      TrialSpec spec = ExampleTrial();
      spec.model = *space.At(point);
      spec.seed = seed;
      spec.data.digest = "data of " + name;  // no trial is of two studies
      const NewTrial trial{.name = space.Name(spec.model),
                           .fingerprint = Fingerprint(spec),
                           .spec = spec,
                           .parameters = 1000 * (point + 1),
                           .size_bytes = 4000 * (point + 1)};
      const TrialId id = store.AddTrials(study.id, {trial})[0];
      store.AddNote(study.id, trial.name, seed, "asked for: stage " + std::to_string(point / 4));
      const std::string folder = name + std::to_string(point) + "-" + std::to_string(seed);
      const auto attempt = [&](const AttemptOutcome& outcome, TrialState next) {
        store.FinishAttempt(id, store.BeginAttempt(id, folder, "cuda:0", 1), outcome, next);
      };
      if (point == 1 && seed == 1) {
        attempt({AttemptFailure{FailureKind::kOutOfMemory, "no room" + text, "last <line>\n"}, 3},
                TrialState::kWaiting);
      }
      if (point == 11 && seed == 2) {
        attempt(ExampleFailure(), TrialState::kFailed);
        continue;
      }
      attempt(ExampleSuccess(PageScore(spec.model) + 0.004 * static_cast<double>(seed)),
              TrialState::kComplete);
    }
  }
}

inline StudyFacts FactsOf(const Store& store, const std::string& name) {
  return ReadStudyFacts(store, TestCatalogue(), *store.FindStudy(name),
                        [](const std::string&) { return PaperTable(); });
}

/// Returns the text of a section with its markup, its figures as they stand on the page.
inline std::string TextOfSection(const PageSection& section) {
  std::string text = section.title + "\n";
  for (const auto& piece : section.parts) {
    if (const auto* figure = std::get_if<Figure>(&piece)) {
      text += FigureMarkup(*figure, "").text();
    } else {
      text += std::get<Markup>(piece).text();
    }
  }
  return text;
}

/// Returns the first figure of a section; there must be one.
inline Figure FigureOf(const PageSection& section) {
  for (const auto& piece : section.parts) {
    if (const auto* figure = std::get_if<Figure>(&piece)) return *figure;
  }
  throw std::logic_error("no figure in " + section.name);
}

/// Returns a row of a table as text: "a | b".
inline std::string RowText(const std::vector<PageCell>& row) {
  std::string text;
  for (const PageCell& cell : row) text += (text.empty() ? "" : " | ") + cell.text;
  return text;
}

}  // namespace beamgrid
