// A table is the same whatever the study asked for first: its rows follow the recipe.

#include <gmock/gmock.h>

#include <numeric>

#include "tests/reports/page/page_support.h"
#include "tests/reports/table_support.h"

namespace beamgrid {
namespace recipe_order_test {

/// Asked is a record in which a study asked for the points of its recipe in this order.
class Asked {
 public:
  explicit Asked(const std::vector<std::size_t>& points) {
    const Recipe recipe = ParseRecipe(PageRecipe(), "r.toml", catalogue_);
    const SearchSpace space(recipe, catalogue_);
    StudyRecord study = ExampleStudy("p");
    study.recipe_text = recipe.text;
    study.id = store_.OpenStudy(study);
    for (const std::size_t point : points) {
      for (const std::int64_t seed : {1, 2}) {
        TrialSpec spec = ExampleTrial();
        spec.model = *space.At(static_cast<std::int64_t>(point));
        spec.seed = seed;
        const TrialId id = store_.AddTrials(
            study.id,
            {{.name = space.Name(spec.model), .fingerprint = Fingerprint(spec), .spec = spec}})[0];
        const std::string directory = "d" + std::to_string(2 * point + spec.seed);
        store_.FinishAttempt(id, store_.BeginAttempt(id, directory, "cpu", 1),
                             ExampleSuccess(0.5 + 0.01 * static_cast<double>(point * 7 % 12) +
                                            0.001 * static_cast<double>(spec.seed)),
                             TrialState::kComplete);
      }
    }
  }

  [[nodiscard]] std::string Table(const TableQuestion& question) const {
    return Render(MakeTable(store_, catalogue_, question, {}), "csv");
  }
  [[nodiscard]] std::string TableOfStudies(const TableQuestion& question) const {
    const StudyRecord study = *store_.FindStudy("p");
    StudyTrials one{.name = "p",
                    .objective = study.objective,
                    .trials = store_.Trials(study.id),
                    .data = "d",
                    .recipe = RecordedRecipe(study, catalogue_)};
    StudyTrials other = one;
    other.name = "q";
    return Render(MakeTable({one, other}, catalogue_, question), "csv");
  }
  [[nodiscard]] std::vector<std::string> TablesOfThePage() const {
    const StudyFacts facts = ReadStudyFacts(
        store_, catalogue_, *store_.FindStudy("p"), [](const std::string&) { return PaperTable(); },
        {}, nullptr);
    std::vector<std::string> tables;
    for (const TableFact& fact : facts.tables) tables.push_back(Render(fact.table, "csv"));
    return tables;
  }

 private:
  Catalogue catalogue_ = TestCatalogue();
  Store store_{":memory:", OpenMode::kReadWrite};
};

TEST(RecipeOrder, RowsAndBaselinesAreNotThoseThatWereAskedForFirst) {
  std::vector<std::size_t> points(12);
  std::iota(points.begin(), points.end(), 0U);
  const Asked in_order(points);
  std::ranges::reverse(points);
  const Asked reversed(points);
  for (const char* vary : {"temporal", "classifier"}) {
    for (const TableRows rows : {TableRows::kVariants, TableRows::kAverage}) {
      const TableQuestion question{.study = "p", .vary = vary, .rows = rows};
      EXPECT_EQ(reversed.Table(question), in_order.Table(question)) << vary;
    }
    const TableQuestion question{.study = "p", .vary = vary};
    EXPECT_EQ(reversed.TableOfStudies(question), in_order.TableOfStudies(question)) << vary;
  }
  EXPECT_EQ(reversed.TablesOfThePage(), in_order.TablesOfThePage());
}

}  // namespace recipe_order_test
}  // namespace beamgrid
