// The tables of a page are those of `table`, with videos drawn again where there are predictions.

#include <gmock/gmock.h>

#include <map>

#include "registry/util/error.h"
#include "tests/reports/page/page_support.h"
#include "tests/reports/planted_tables.h"

namespace beamgrid {
namespace drawn_tables_test {

using ::testing::HasSubstr;
using ::testing::Not;

/// DrawnTables is twelve models, two seeds each, with predictions by which they may be equal.
class DrawnTables : public ::testing::Test {
 protected:
  DrawnTables() {
    const Catalogue catalogue = TestCatalogue();
    const Recipe recipe = ParseRecipe(PageRecipe(), "r.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    StudyRecord study = ExampleStudy("p");
    study.recipe_text = recipe.text;
    study.id = store_.OpenStudy(study);
    const auto rows = planted::Tables({.rows = 12, .seeds = 2, .videos = 60}).Draw(0);
    for (std::size_t point = 0; point < rows.size(); ++point) {
      for (std::size_t i = 0; i < 2; ++i) {
        TrialSpec spec = ExampleTrial();
        spec.model = *space.At(static_cast<std::int64_t>(point));
        spec.seed = static_cast<std::int64_t>(i) + 1;
        const std::string name = space.Name(spec.model);
        predictions_[{name, spec.seed}] = rows[point][i];
        const TrialId id = store_.AddTrials(
            study.id, {{.name = name, .fingerprint = Fingerprint(spec), .spec = spec}})[0];
        const double gap = ResampleVideos(rows[point][i], *FindMetric("gap"), 0).value;
        store_.FinishAttempt(id,
                             store_.BeginAttempt(id, "d" + std::to_string(2 * point + i), "cpu", 1),
                             ExampleSuccess(gap), TrialState::kComplete);
      }
    }
  }
  [[nodiscard]] StudyFacts Facts(const TableResampling* resampling) const {
    return ReadStudyFacts(
        store_, TestCatalogue(), *store_.FindStudy("p"),
        [](const std::string&) { return PaperTable(); }, {}, resampling);
  }
  /// Returns a table as the command makes it.
  [[nodiscard]] AblationTable Asked(const std::string& vary,
                                    const TableResampling& resampling) const {
    return MakeTable(store_, TestCatalogue(), {.study = "p", .vary = vary, .fix = {}}, {},
                     &resampling);
  }
  static void ExpectSame(const AblationTable& made, const AblationTable& asked) {
    ASSERT_EQ(made.rows.size(), asked.rows.size());
    EXPECT_EQ(made.notes, asked.notes);
    for (std::size_t i = 0; i < made.rows.size(); ++i) {
      EXPECT_EQ(made.rows[i].among_best, asked.rows[i].among_best);
      ASSERT_EQ(made.rows[i].difference.has_value(), asked.rows[i].difference.has_value());
      if (!made.rows[i].difference) continue;
      EXPECT_EQ(made.rows[i].difference->interval.low, asked.rows[i].difference->interval.low);
      EXPECT_EQ(made.rows[i].difference->interval.high, asked.rows[i].difference->interval.high);
      EXPECT_EQ(made.rows[i].difference->levels, asked.rows[i].difference->levels);
    }
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  std::map<std::pair<std::string, std::int64_t>, Predictions> predictions_;
};

TEST_F(DrawnTables, DrawsTheVideosAgainWhereTherePredictionsAre) {
  const TableResampling resampling{.read = [this](const TrialRecord& trial) {
    return predictions_.at({trial.name, trial.seed});
  }};
  const StudyFacts facts = Facts(&resampling);
  ASSERT_EQ(facts.tables.size(), 3U);
  for (const TableFact& fact : facts.tables) {
    ExpectSame(fact.table, Asked(fact.table.columns[0], resampling));
    EXPECT_EQ(fact.table.videos, 60U);
    EXPECT_EQ(fact.seeds_alone, "");
    EXPECT_EQ(fact.command,
              "beamgrid table p --vary " + fact.table.columns[0] + " --columns size,parameters");
  }
  ASSERT_TRUE(facts.models);
  ExpectSame(facts.models->table, Asked("", resampling));
  EXPECT_EQ(facts.models->command, "beamgrid table p --columns size,parameters");
  EXPECT_THAT(TextOfSection(TablesSection(facts)), Not(HasSubstr("other videos were not asked")));
}

TEST_F(DrawnTables, WithoutPredictionsItIsOfTheSeedsAloneAndSaysSo) {
  const TableResampling gone{
      .read = [](const TrialRecord&) -> Predictions { throw Error("the predictions are gone"); }};
  const TableResampling none{.resamples = 0, .read = {}};
  const StudyFacts facts = Facts(&gone);
  ASSERT_EQ(facts.tables.size(), 3U);
  for (const TableFact& fact : facts.tables) {
    ExpectSame(fact.table, Asked(fact.table.columns[0], none));
    EXPECT_THAT(fact.seeds_alone, HasSubstr("its predictions cannot be read"));
    EXPECT_THAT(fact.command, HasSubstr(" --resamples 0"));
  }
  EXPECT_THAT(
      TextOfSection(TablesSection(facts)),
      HasSubstr("Over seeds on these validation videos only; other videos were not asked: "));
}

}  // namespace drawn_tables_test
}  // namespace beamgrid
