// `beamgrid effects` on a record, and what a run that has ended prints of it.

#include <gmock/gmock.h>

#include <sstream>

#include "orchestrator/commands/effects_text.h"
#include "registry/util/printable.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A record with study "s": 3 temporal parts by 2 classifiers by 2 extras, two seeds each.
class EffectsCommandTest : public CommandTest {
 protected:
  EffectsCommandTest() {
    UseFakeTrainer();
    const Catalogue catalogue = TestCatalogue();
    const Recipe recipe = ParseRecipe(
        RecipeHead() +
            "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n"
            "[[grid.temporal]]\nuse = \"blstm\"\n[[grid.classifier]]\nuse = \"logistic\"\n"
            "[[grid.classifier]]\nuse = \"moe\"\n[grid.extras]\ndropout = [false, 0.5]\n",
        "r.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    Store store(database_, OpenMode::kReadWrite);
    StudyRecord study = ExampleStudy("s");
    study.recipe_text = recipe.text;
    study.id = store.OpenStudy(study);
    for (std::int64_t point = 0; point < space.size(); ++point) {
      for (const std::int64_t seed : {1, 2}) {
        TrialSpec spec = ExampleTrial();
        spec.model = *space.At(point);
        spec.seed = seed;
        const TrialId id = store.AddTrials(
            study.id,
            {{.name = space.Name(spec.model), .fingerprint = Fingerprint(spec), .spec = spec}})[0];
        store.FinishAttempt(id, store.BeginAttempt(id, "d", "cpu", 1),
                            ExampleSuccess(Score(spec.model) + 0.004 * static_cast<double>(seed)),
                            TrialState::kComplete);
      }
    }
  }
  static double Score(const ModelSpec& model) {
    const bool netvlad = model.parts.at("temporal").component == "netvlad";
    const bool moe = model.parts.at("classifier").component == "moe";
    return 0.5 + (netvlad ? 0.1 : 0) + (moe ? 0.02 : 0) + (netvlad && moe ? 0.05 : 0);
  }
  [[nodiscard]] Called Effects(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"effects", "s", "--db", database_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }

  std::string database_ = Path("record.db");
};

TEST_F(EffectsCommandTest, FitsTheTerminal) {
  for (const std::size_t width : {40U, 80U}) {
    const Called called = CallAtTerminal(width, {"effects", "s", "--db", database_});
    ASSERT_EQ(called.exit_code, 0) << called.err;
    EXPECT_LE(WidestLine(called.out), width) << called.out;
    EXPECT_THAT(called.out, HasSubstr("netvlad clusters")) << "what the numbers are of";
  }
}

TEST_F(EffectsCommandTest, PrintsPartsPairsAndWhatIsOpen) {
  const Called called = Effects();
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out,
              AllOf(HasSubstr("GAP by part: 0.5993 (0.5981 .. 0.6006) on average over 12 "
                              "combinations, all\nmeasured; "),
                    HasSubstr("temporal: 80 % of the variance"), HasSubstr("blstm\n"),
                    HasSubstr("+0.0417  +0.0399 .. +0.0434      4  netvlad clusters=64, best"),
                    HasSubstr("netvlad clusters=128, may be best"),
                    HasSubstr("extras.dropout: 0 % of the variance"),
                    HasSubstr("  3 %  temporal x classifier: blstm with logistic +0.0167"),
                    HasSubstr("would settle most of what is open:\n  MC-NetVLAD-C"),
                    HasSubstr("would have chosen\n  MC-NetVLAD-C64-MoE2, the highest")));
  std::istringstream lines(called.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(ColumnsOf(line), 80U) << line;
}

TEST_F(EffectsCommandTest, VaryShowsOneCriterion) {
  const Called called = Effects({"--vary", "extras"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_THAT(called.out, AllOf(HasSubstr("extras.dropout: 0 % of the variance"),
                                Not(HasSubstr("temporal:")), Not(HasSubstr("blstm with"))));
  const Called fixed = Effects({"--vary", "multimodal"});
  EXPECT_EQ(fixed.exit_code, 2);
  EXPECT_THAT(
      fixed.err,
      HasSubstr("--vary multimodal: the study has no two complete candidates of it; it varies "
                "temporal, classifier, extras.dropout"));
  const Called unknown = Effects({"--vary", "temporl"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--vary 'temporl' is no criterion and no part of the study; "
                                     "it varies temporal, classifier, extras.dropout"));
}

TEST_F(EffectsCommandTest, VaryTakesTheNameOfAPart) {
  EXPECT_EQ(Effects({"--vary", "extras.dropout"}).out, Effects({"--vary", "extras"}).out)
      << "it is the only extra";
  const Called other = Effects({"--vary", "extras.layer_norm"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("it varies temporal, classifier, extras.dropout"));
}

TEST_F(EffectsCommandTest, JsonIsOneObject) {
  const auto json = Effects({"--json"}).Json();
  EXPECT_THAT(KeysOf(json),
              ::testing::ElementsAre("best", "deviation", "factors", "grid", "higher_share", "mean",
                                     "method", "metric", "noise", "noise_source", "notes",
                                     "one_at_a_time", "pairs", "proposals", "study"));
  EXPECT_EQ(json.at("factors").at(0).at("levels").as_array().size(), 3U);
}

TEST_F(EffectsCommandTest, SaysWhatIsMissing) {
  FillStore(Path("small.db"));
  const Called called = Call({"effects", "small", "--db", Path("small.db")});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("1 combination is complete, and at least 2 must be"));
  EXPECT_EQ(Call({"effects", "none", "--db", database_}).exit_code, 2);
}

TEST_F(EffectsCommandTest, TablesHaveThemBesideTheirRows) {
  const auto table = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"table", "s", "--db", database_, "--effects"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  };
  const Called markdown = table({"--vary", "classifier"});
  ASSERT_EQ(markdown.exit_code, 0) << markdown.err;
  EXPECT_THAT(markdown.out,
              AllOf(HasSubstr("| effect |"), HasSubstr("| +0.0267 (+0.0254 .. +0.0279) |"),
                    HasSubstr("Effect: difference from the mean over all 12 combinations of the "
                              "study, of which 12 were measured")));
  const auto json = table({"--vary", "classifier", "--json"}).Json();
  EXPECT_NEAR(json.at("rows").at(1).at("effect").at("value").as_double(), 0.08 / 3, 1e-12);
  EXPECT_GT(json.at("rows").at(1).at("effect").at("low").as_double(), 0.025);
  const std::string csv = table({"--vary", "extras", "--format", "csv"}).out;
  EXPECT_THAT(csv, HasSubstr(",fingerprints,effect,effect_low,effect_high\n"));
  for (const char* format : {"latex", "html"}) {
    EXPECT_THAT(table({"--vary", "temporal", "--format", format}).out,
                HasSubstr("+0.0417 (+0.0399"));
  }
  EXPECT_THAT(table({"--vary", "extras.dropout"}).out, HasSubstr("| effect |"));
  const Called models = table({});
  EXPECT_EQ(models.exit_code, 2);
  EXPECT_THAT(models.err, HasSubstr("--vary names none of the study's parts, which are temporal, "
                                    "classifier, extras.dropout; `beamgrid effects s` has them"));
  EXPECT_THAT(table({"--vary", "multimodal"}).err, HasSubstr("not one is multimodal alone"));
  const Called other = table({"--vary", "temporal", "--metric", "map"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("they are of the study's objective, gap, and not of map"));
  EXPECT_THAT(Call({"table", "s", "--db", database_, "--vary", "temporal"}).out,
              Not(HasSubstr("effect")));
}

TEST_F(EffectsCommandTest, ARunSaysItInBrief) {
  const Store store(database_, OpenMode::kReadOnly);
  const auto told = EffectsWorthTelling(store, TestCatalogue(), *store.FindStudy("s"));
  ASSERT_TRUE(told);
  std::ostringstream out;
  PrintEffectsBriefly(out, *told);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("80 %  temporal        netvlad clusters=64 (or 1 other)"),
                               HasSubstr("`beamgrid effects s`")));
}

TEST_F(EffectsCommandTest, SharesThatAreNotKnownAreNotShown) {
  const Store store(database_, OpenMode::kReadOnly);
  auto told = EffectsWorthTelling(store, TestCatalogue(), *store.FindStudy("s"));
  ASSERT_TRUE(told);
  told->shares_known = false;
  std::ostringstream brief, whole;
  PrintEffectsBriefly(brief, *told);
  EXPECT_THAT(brief.str(),
              AllOf(HasSubstr("temporal        netvlad clusters=64 (or 1 other)"),
                    HasSubstr("\nshares of the variance: not known: too few combinations\n"),
                    Not(HasSubstr("share "))));
  PrintEffects(whole, *told, "");
  EXPECT_THAT(
      whole.str(),
      AllOf(HasSubstr("temporal: share of the variance not known: too few combinations\n"),
            HasSubstr("\nhow much combinations differ, and the shares of that variance: not "
                      "known"),
            HasSubstr("\n  temporal x classifier: blstm with logistic +0.0167"),
            Not(HasSubstr("80 %")), Not(HasSubstr("combinations differ by"))));
}

}  // namespace
}  // namespace beamgrid
