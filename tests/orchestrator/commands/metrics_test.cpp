// The table of metrics is the only list of them: what is in it can be an objective, is stored, read
// back, listed and printed, and what is not in it is refused wherever a metric can be named.

#include "registry/scoring/metrics.h"

#include <gmock/gmock.h>

#include <sstream>

#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/trial_listing.h"
#include "registry/util/error.h"
#include "search/ensemble/ensemble.h"
#include "search/recipe.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

/// A number of its own for each metric, with five exact decimals.
double NumberOf(const Metric& metric) {
  return 0.03125 * static_cast<double>(&metric - kMetrics + 1);
}

Metrics Measured() {
  Metrics metrics{.videos = 9};
  for (const Metric& metric : kMetrics) metrics.*metric.value = NumberOf(metric);
  return metrics;
}

void ExpectMeasured(const Metrics& metrics) {
  for (const Metric& metric : kMetrics) {
    EXPECT_EQ(metrics.*metric.value, NumberOf(metric)) << metric.name;
  }
}

/// A record with a study for each metric, named after it, whose objective it is; they share one
/// trial.
class MetricsTest : public CommandTest {
 protected:
  MetricsTest() {
    for (const Metric& metric : kMetrics) ids_.push_back(Share(metric.name));
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().metrics = Measured();
    for (EpochResult& epoch : outcome.result().epochs) epoch.metrics = Measured();
    store_.FinishAttempt(ids_[0], store_.BeginAttempt(ids_[0], "runs", "cpu", 1), outcome,
                         TrialState::kComplete);
  }

  TrialId Share(const std::string& objective) {
    StudyRecord study = ExampleStudy(objective);
    study.objective = objective;
    return store_.AddTrials(store_.OpenStudy(study), {ExampleNewTrial()})[0];
  }
  [[nodiscard]] std::string Leaderboard(const std::string& study) const {
    std::ostringstream out;
    PrintLeaderboard(out, store_, *store_.FindStudy(study));
    return out.str();
  }
  [[nodiscard]] std::string Database() const { return Path("beamgrid.db"); }

  Store store_{Path("beamgrid.db"), OpenMode::kReadWrite};
  std::vector<TrialId> ids_;
};

TEST_F(MetricsTest, EachIsAnObjective) {
  for (const Metric& metric : kMetrics) {
    std::string text = RecipeHead();
    text.replace(text.find("name ="), 0, "objective = \"" + std::string(metric.name) + "\"\n");
    if (metric.needs == Metric::Needs::kRatedSegments) {
      text.replace(text.find("\"frame\""), 7, "\"segment\"");
    } else if (metric.needs == Metric::Needs::kOneLabel) {
      text.replace(text.find("\"frame\""), 7, "\"frame\"\nlabels = \"multi_class\"");
    }
    EXPECT_EQ(ParseRecipe(text, "r.toml", TestCatalogue()).objective, &metric) << metric.name;
    EXPECT_EQ(ObjectiveOf(Measured(), &metric), NumberOf(metric));
    const std::string number = std::to_string(NumberOf(metric)).substr(0, 7);
    EXPECT_THAT(Leaderboard(metric.name), HasSubstr(number)) << metric.name;
    const auto rows =
        store_.Query("SELECT objective FROM trials WHERE study = :study", {{"study", metric.name}})
            .rows;
    EXPECT_EQ(rows.at(0).at(0), NumberOf(metric)) << metric.name;
  }
}

TEST_F(MetricsTest, EachIsStoredAndReadBack) {
  ExpectMeasured(store_.Trial(ids_[0]).result->metrics);
  ASSERT_FALSE(store_.Epochs(ids_[0]).empty());
  for (const EpochResult& epoch : store_.Epochs(ids_[0])) ExpectMeasured(epoch.metrics);
  const auto board = store_.Query("SELECT * FROM leaderboard").columns;
  for (const Metric& metric : kMetrics) {
    EXPECT_THAT(board, ::testing::Contains(metric.name)) << "the views need a migration";
  }
}

TEST_F(MetricsTest, EachGoesFromTheWorkerToTheOrchestrator) {
  const auto message = MessageFromLine(ToLine(Evaluated{{.epoch = 1, .metrics = Measured()}}));
  ExpectMeasured(std::get<Evaluated>(*message).epoch.metrics);
  ExpectMeasured(TrialResultFromJson(ToJson(TrialResult{.metrics = Measured()})).metrics);
}

TEST_F(MetricsTest, EachIsListedAndPrinted) {
  const auto listed = Call({"trials", "gap", "--json", "--db", Database()}).Json().at(0);
  const auto shown = Call({"show", "1", "--json", "--db", Database()}).Json();
  const std::string text = Call({"trials", "gap", "--db", Database()}).out;
  for (const Metric& metric : kMetrics) {
    EXPECT_EQ(listed.at(metric.name), NumberOf(metric)) << metric.name;
    EXPECT_EQ(shown.at("epochs").at(0).at(metric.name), NumberOf(metric)) << metric.name;
    EXPECT_THAT(text, HasSubstr(metric.heading));
    EXPECT_THAT(text, HasSubstr(std::to_string(NumberOf(metric)).substr(0, 7)));
  }
}

TEST_F(MetricsTest, EachHasATable) {
  UseFakeTrainer();
  for (const Metric& metric : kMetrics) {
    const Called table =
        Call({"table", "gap", "--metric", metric.name, "--json", "--db", Database()});
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_EQ(table.Json().at("rows").at(0).at(metric.name).at("mean"), NumberOf(metric))
        << table.out;
    EXPECT_THAT(table.out, HasSubstr(metric.heading));
  }
}

TEST_F(MetricsTest, ATableIsOfTheStudysObjectiveUnlessAnotherIsNamed) {
  UseFakeTrainer();
  for (const Metric& metric : kMetrics) {
    const Called table = Call({"table", metric.name, "--json", "--db", Database()});
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_EQ(table.Json().at("rows").at(0).at(metric.name).at("mean"), NumberOf(metric))
        << table.out;
  }
}

TEST_F(MetricsTest, EachThatNeedsLabelsIsScoredAndToldOfAnEnsemble) {
  Write("truth.csv", "VideoId,Labels\nv1,0\n");
  Write("a.csv", "VideoId,LabelConfidencePairs\nv1,0 0.9 1 0.5 2 0.4 3 0.3 4 0.2 5 0.1\n");
  const std::vector<std::string> score = {"score", "--predictions", Path("a.csv"), "--truth",
                                          Path("truth.csv")};
  std::vector<std::string> as_json = score;
  as_json.emplace_back("--json");
  EnsembleAnswer answer{.holdout = EnsembleAnswer::Holdout{}};
  answer.holdout->metrics = Measured();
  for (const Metric& metric : kMetrics) {
    EXPECT_TRUE(Call(as_json).Json().as_object().contains(metric.name)) << metric.name;
    if (metric.needs == Metric::Needs::kRatedSegments) continue;
    EXPECT_THAT(Call(score).out, HasSubstr(metric.title));
    EXPECT_TRUE(ToJson(answer).at("holdout").as_object().contains(metric.name)) << metric.name;
  }
}

TEST_F(MetricsTest, AnotherWordIsRefusedWithTheKnownOnes) {
  const std::string known = "must be one of accuracy, gap, hit_at_1, map, perr, segment_map, top_5";
  UseFakeTrainer();
  const Called table = Call({"table", "gap", "--metric", "hit_at_2", "--db", Database()});
  EXPECT_EQ(table.exit_code, 2);
  EXPECT_THAT(table.err, HasSubstr("'hit_at_2' " + known + "; did you mean 'hit_at_1'?"));

  static_cast<void>(Share("mapp"));
  const std::string refusal =
      "study 'mapp': objective = 'mapp', " + known + "; did you mean 'map'?";
  EXPECT_EQ(ErrorText<UsageError>([&] { static_cast<void>(Leaderboard("mapp")); }), refusal);
  EXPECT_EQ(ErrorText<UsageError>([&] {
              static_cast<void>(StudyPool(store_, *store_.FindStudy("mapp"), SeedChoice::kBest));
            }),
            refusal);
}

}  // namespace
}  // namespace beamgrid
