// Rows that are averages over everything that is not varied.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "registry/util/error.h"
#include "reports/statistics.h"
#include "reports/table.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace table_average_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// Three ways to pool under two classifiers, two seeds each; the third way with one classifier.
std::vector<TrialRecord> Grid() {
  std::vector<TrialRecord> trials;
  const auto add = [&](const char* name, const Variant& temporal, const Variant& classifier,
                       double first, double second) {
    trials.push_back(SmallTrial(name, SmallModel(temporal, classifier), 1, first, 1000));
    trials.push_back(SmallTrial(name, SmallModel(temporal, classifier), 2, second, 1000));
  };
  add("mean-logistic", MeanPool(), Logistic(), 0.50, 0.52);
  add("mean-MoE2", MeanPool(), Moe(2), 0.60, 0.62);
  add("BLSTM-logistic", Blstm(1), Logistic(), 0.70, 0.74);
  add("BLSTM-MoE2", Blstm(1), Moe(2), 0.66, 0.68);
  return trials;
}

AblationTable Averaged(const std::vector<TrialRecord>& trials, TableQuestion question = {}) {
  question.study = "s";
  if (question.vary.empty()) question.vary = "temporal";
  question.rows = TableRows::kAverage;
  return MakeTable(trials, SmallCatalogue(), question, {});
}

TEST(Average, IsTheMeanOverTheSameCombinationsAndSeeds) {
  const AblationTable table = Averaged(Grid());
  EXPECT_THAT(LabelsOf(table), ElementsAre("mean", "blstm"));
  EXPECT_EQ(table.combinations, 2U);
  EXPECT_NEAR(*table.rows[0].mean, 0.56, 1e-12);
  EXPECT_NEAR(*table.rows[1].mean, 0.695, 1e-12);
  EXPECT_THAT(table.rows[1].seed_numbers, ElementsAre(1, 2));
  EXPECT_NEAR(table.rows[1].seeds[0], 0.68, 1e-12);
  EXPECT_NEAR(table.rows[1].seeds[1], 0.71, 1e-12);
  // Of the means of the seeds: what combinations differ by is no uncertainty of theirs.
  EXPECT_NEAR(*table.rows[1].std, SampleDeviation({0.68, 0.71}), 1e-12);
  EXPECT_NEAR(*table.rows[1].delta, 0.135, 1e-12);
  EXPECT_EQ(table.rows[1].compared_values, 4U);
  EXPECT_EQ(table.title, "s: temporal, averaged");
  EXPECT_THAT(table.caption,
              Contains("each row is the mean over the same 2 combinations of classifier and 2 "
                       "seeds"));
  EXPECT_THAT(table.notes, Contains("held fixed: multimodal concat; label_processing none; loss "
                                    "cross_entropy; extras none; train defaults"));
}

TEST(Average, PairsByCombinationAndSeed) {
  TableQuestion question;
  question.test = TableTest::kT;
  const AblationTable table = Averaged(Grid(), question);
  const std::vector<double> mean = {0.50, 0.52, 0.60, 0.62}, blstm = {0.70, 0.74, 0.66, 0.68};
  EXPECT_NEAR(*table.rows[1].p_value, PairedTTest(blstm, mean), 1e-15);
  const std::optional<RowDifference> expected =
      SeedsDifference({0, 1, 2, 3}, blstm, {0, 1, 2, 3}, mean);
  EXPECT_DOUBLE_EQ(table.rows[1].difference->interval.low, expected->interval.low);
  EXPECT_DOUBLE_EQ(table.rows[1].difference->interval.high, expected->interval.high);
  EXPECT_THAT(table.caption,
              Contains("difference: from mean, 95 % interval of other seeds of the same "
                       "combinations, on these videos (t)"));
  EXPECT_THAT(table.caption,
              Contains("test behind p: two-sided t-test paired by combination and seed, on these "
                       "videos, against mean"));
  question.test = TableTest::kSignFlip;
  EXPECT_THAT(Averaged(Grid(), question).notes,
              Contains("no p: no exact test of 4 pairs can be below 0.125; 6 pairs can be below "
                       "0.05"));
}

// Three ways to pool under four classifiers on AudioSet, two seeds each; the expected numbers are
// those of SciPy: ttest_rel, t.interval, and all 2^8 signs.
TEST(Average, OfARealStudyIsWhatSciPySays) {
  const std::vector<std::pair<Variant, std::vector<double>>> measured = {
      {MeanPool(),
       {0.315797, 0.320274, 0.203849, 0.203497, 0.243513, 0.243663, 0.235189, 0.234774}},
      {{"max", {}}, {0.255199, 0.256692, 0.151611, 0.15184, 0.186369, 0.186549, 0.184501, 0.18367}},
      {{"netvlad", {}},
       {0.289981, 0.29709, 0.283592, 0.305443, 0.332978, 0.331947, 0.328738, 0.331223}}};
  std::vector<TrialRecord> trials;
  for (const auto& [temporal, gaps] : measured) {
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      const ModelSpec model = SmallModel(temporal, Moe(1 << (i / 2)));
      trials.push_back(SmallTrial(temporal.component + std::to_string(i / 2), model,
                                  static_cast<std::int64_t>(i % 2) + 1, gaps[i]));
    }
  }
  TableQuestion question;
  const AblationTable flipped = Averaged(trials, question);
  question.test = TableTest::kT;
  const AblationTable tested = Averaged(trials, question);
  EXPECT_NEAR(*tested.rows[0].mean, 0.2500695, 1e-12);
  EXPECT_NEAR(*tested.rows[0].std, 0.0006823580438450139, 1e-12);
  struct Expected {
    double mean, std, delta, low, high, t_p, flip_p;
  };
  const Expected expected[] = {
      {0.194553875, 0.00018932784066268629, -0.055515625, -0.05956843063397848,
       -0.05146281936602153, 6.915738923500266e-09, 0.0078125},
      {0.312624, 0.0053764864107519435, 0.0625545, 0.017308575472673553, 0.10780042452732644,
       0.013689469036818176, 0.03125}};
  for (std::size_t i = 0; i < 2; ++i) {
    const TableRow& row = tested.rows[i + 1];
    EXPECT_NEAR(*row.mean, expected[i].mean, 1e-12);
    EXPECT_NEAR(*row.std, expected[i].std, 1e-12);
    EXPECT_NEAR(*row.delta, expected[i].delta, 1e-12);
    EXPECT_NEAR(row.difference->interval.low, expected[i].low, 1e-9);
    EXPECT_NEAR(row.difference->interval.high, expected[i].high, 1e-9);
    EXPECT_NEAR(*row.p_value, expected[i].t_p, 1e-9);
    EXPECT_DOUBLE_EQ(*flipped.rows[i + 1].p_value, expected[i].flip_p);
  }
}

TEST(Average, LeavesOutCombinationsThatNotAllRowsHave) {
  std::vector<TrialRecord> trials = Grid();
  // A third classifier with one way to pool, and a fourth whose second seed failed.
  trials.push_back(SmallTrial("mean-MoE4", SmallModel(MeanPool(), Moe(4)), 1, 0.9));
  trials.push_back(SmallTrial("mean-MoE4", SmallModel(MeanPool(), Moe(4)), 2, 0.9));
  for (const auto& [temporal, gap] : {std::pair(MeanPool(), 0.1), {Blstm(1), 0.2}}) {
    trials.push_back(SmallTrial(temporal.component + "8", SmallModel(temporal, Moe(8)), 1, gap));
    trials.push_back(SmallTrial(temporal.component + "8", SmallModel(temporal, Moe(8)), 2,
                                temporal.component == "mean" ? gap : -1));
  }
  const AblationTable table = Averaged(trials);
  EXPECT_EQ(table.combinations, 2U);
  EXPECT_NEAR(*table.rows[0].mean, 0.56, 1e-12);
  EXPECT_NEAR(*table.rows[1].mean, 0.695, 1e-12);
  EXPECT_THAT(table.notes, Contains("left out: 2 combinations that not all rows have with all "
                                    "their seeds: blstm lacks 2 (1 failed)"));
}

TEST(Average, LeavesOutARowThatSharesNoCombinationAndSaysWhy) {
  std::vector<TrialRecord> trials = Grid();
  for (const int seed : {1, 2}) {
    trials.push_back(SmallTrial("BLSTM2-MoE4", SmallModel(Blstm(2), Moe(4)), seed, 0.99));
  }
  const AblationTable table = Averaged(trials);
  EXPECT_THAT(LabelsOf(table), ElementsAre("mean", "blstm layers=1", "blstm layers=2"));
  EXPECT_FALSE(table.rows[2].mean);
  EXPECT_FALSE(table.rows[2].delta);
  EXPECT_EQ(table.rows[2].missing, "shares no combination of all else with all the other rows");
  EXPECT_NEAR(*table.rows[1].mean, 0.695, 1e-12);
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("| blstm layers=2 | - (shares no combination of all else with all "
                              "the other rows) |"));
  EXPECT_THAT(Render(table, "latex"), HasSubstr("blstm layers=2 & \\textemdash{} &"));
}

// Two classifiers go with one batch, two others with another one: rows of one batch are compared,
// under both ways to pool, although as many are left out.
TEST(Average, KeepsAllRowsOfTheCombinationThatMostRowsHave) {
  std::vector<TrialRecord> trials;
  for (const Variant& temporal : {MeanPool(), Blstm(1)}) {
    for (const int experts : {2, 4, 8, 16}) {
      ModelSpec model = SmallModel(temporal, Moe(experts));
      model.train["batch"] = experts <= 4 ? 32 : 64;
      const std::string name = temporal.component + std::to_string(experts);
      trials.push_back(SmallTrial(name, model, 1, 0.5 + 0.01 * experts));
    }
  }
  const AblationTable table = Averaged(trials, {.by = "classifier"});
  ASSERT_EQ(table.rows.size(), 8U);
  for (const TableRow& row : table.rows) {
    const bool is_kept =
        row.cross->column == "moe experts=2" || row.cross->column == "moe experts=4";
    EXPECT_EQ(row.mean.has_value(), is_kept) << row.label;
  }
  EXPECT_EQ(table.combinations, 1U);
}

TEST(Average, OfRowsThatShareAsFewTakesThoseWithMoreInCommon) {
  std::vector<TrialRecord> trials;
  const auto add = [&](const Variant& temporal, int experts) {
    trials.push_back(SmallTrial(temporal.component + std::to_string(trials.size()),
                                SmallModel(temporal, Moe(experts)), 1, 0.5));
  };
  for (const int experts : {2, 4, 8}) add(Blstm(experts == 2 ? 1 : 2), experts);
  add({"max", {}}, 2);
  for (const int experts : {4, 8}) add({"sum", {}}, experts);
  const AblationTable table = Averaged(trials);
  EXPECT_EQ(table.combinations, 2U);
  EXPECT_FALSE(table.rows[0].mean);
  EXPECT_TRUE(table.rows[1].mean);
  EXPECT_FALSE(table.rows[2].mean);
  EXPECT_TRUE(table.rows[3].mean);
}

TEST(Average, CountsOnlySeedsThatAllHave) {
  std::vector<TrialRecord> trials = Grid();
  // Raced for: one model has a third seed.
  trials.push_back(SmallTrial("BLSTM-MoE2", SmallModel(Blstm(1), Moe(2)), 3, 0.99));
  const AblationTable table = Averaged(trials);
  EXPECT_NEAR(*table.rows[1].mean, 0.695, 1e-12);
  EXPECT_THAT(table.notes,
              Contains("of the seeds 1, 2 count; 3 is not there for every row and combination"));
  for (TrialRecord& trial : trials) {
    if (trial.name == "mean-MoE2") trial.seed += 10;
  }
  EXPECT_EQ(ErrorText<UsageError>([&] { static_cast<void>(Averaged(trials)); }),
            "no average: no seed is there for every row and each of the 2 combinations that all "
            "rows have");
}

TEST(Average, OfAnOptionAveragesOverTheComponentsToo) {
  const auto model = [](const char* component, int hidden) {
    return SmallModel({component, {{"hidden", hidden}}}, Logistic());
  };
  const AblationTable table = Averaged(
      {SmallTrial("a", model("lstm", 256), 1, 0.1), SmallTrial("b", model("lstm", 512), 1, 0.3),
       SmallTrial("c", model("gru", 256), 1, 0.5), SmallTrial("d", model("gru", 512), 1, 0.6),
       SmallTrial("e", SmallModel(MeanPool(), Logistic()), 1, 0.9)},
      {.vary = "temporal.hidden"});
  EXPECT_THAT(LabelsOf(table), ElementsAre("hidden=256", "hidden=512"));
  EXPECT_NEAR(*table.rows[0].mean, 0.3, 1e-12);
  EXPECT_NEAR(*table.rows[1].mean, 0.45, 1e-12);
  EXPECT_EQ(table.combinations, 2U);
}

TEST(Average, OfRowsAndColumnsHasAMeanInEachCell) {
  std::vector<TrialRecord> trials;
  for (const int batch : {32, 64}) {
    for (const TrialRecord& trial : Grid()) {
      ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
      model.train["batch"] = batch;
      trials.push_back(SmallTrial(trial.name + std::to_string(batch), model, trial.seed,
                                  trial.result->metrics.gap + (batch == 32 ? 0 : 0.1)));
    }
  }
  const AblationTable table = Averaged(trials, {.by = "classifier"});
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[3].cross->row, "blstm");
  EXPECT_NEAR(*table.rows[3].mean, 0.67 + 0.05, 1e-12);
  EXPECT_EQ(table.combinations, 2U);
}

TEST(Average, NeedsTwoRowsThatShareACombination) {
  const auto refusal = [](const std::vector<TrialRecord>& trials) {
    return ErrorText<UsageError>([&] { static_cast<void>(Averaged(trials)); });
  };
  EXPECT_EQ(refusal({SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
                     SmallTrial("b", SmallModel(Blstm(1), Moe(2)), 1, 0.5)}),
            "no average: no combination of all else has two rows with all their seeds");
  EXPECT_EQ(
      ErrorText<UsageError>([] {
        static_cast<void>(MakeTable(Grid(), SmallCatalogue(),
                                    {.study = "s", .vary = "", .rows = TableRows::kAverage}, {}));
      }),
      "average: name what the rows differ in, with vary");
}

TEST(Average, HasEveryNumberInItsData) {
  const AblationTable table = Averaged(Grid());
  EXPECT_THAT(Render(table, "csv"), HasSubstr(",combinations,compared_values\n"));
  EXPECT_THAT(Render(table, "csv"), HasSubstr(",2,4\n"));
  EXPECT_THAT(Render(table, "json"), HasSubstr(R"("combinations":2,)"));
  EXPECT_THAT(Render(table, "json"), HasSubstr(R"("compared_values":4,)"));
}

TEST(Average, CountsTheTrialsOfItsCombinations) {
  std::vector<TrialRecord> trials = Grid();
  for (std::size_t i = 0; i < trials.size(); ++i) {
    trials[i].fingerprint = "f" + std::to_string(i);
    trials[i].result->wall_seconds = 10;
  }
  EXPECT_THAT(Render(Averaged(trials), "latex"), HasSubstr(" 8 trials, 1m20s of training."));
  // One was trained in several attempts, of which the last took 10 s: 1000 examples at 20 a second.
  trials[0].result->examples = 1000;
  trials[0].result->examples_per_second = 20;
  EXPECT_THAT(Render(Averaged(trials), "latex"), HasSubstr(" 8 trials, 2m00s of training."));
}

/// Returns two pools under `classifiers` classifiers with `seeds` seeds; blstm is better by 0.1 in
/// all pairs but one, in which it is worse by as much.
std::vector<TrialRecord> LargeGrid(int classifiers, int seeds) {
  std::vector<TrialRecord> trials;
  for (int c = 1; c <= classifiers; ++c) {
    for (int seed = 1; seed <= seeds; ++seed) {
      const double more = c == 1 && seed == 1 ? -0.1 : 0.1;
      const std::string name = "m" + std::to_string(c);
      trials.push_back(SmallTrial(name, SmallModel(MeanPool(), Moe(c)), seed, 0.5));
      trials.push_back(SmallTrial("b" + name, SmallModel(Blstm(1), Moe(c)), seed, 0.5 + more));
    }
  }
  return trials;
}

TEST(Average, HasAnExactPOfAsManyPairsAsCanBeCounted) {
  const AblationTable table = Averaged(LargeGrid(12, 2));
  // As far from 0 are none and one of another sign than the others, on both sides.
  EXPECT_NEAR(*table.rows[1].p_value, 2 * 25 / std::pow(2.0, 24), 1e-15);
  EXPECT_THAT(table.caption,
              Contains("test behind p: exact sign-flip test of 24 pairs of combination and seed "
                       "on these videos, against mean"));
  EXPECT_THAT(table.notes, testing::Not(Contains(HasSubstr("no p"))));
}

TEST(Average, SaysThatMorePairsAreTooMany) {
  const AblationTable table = Averaged(LargeGrid(14, 3));
  EXPECT_FALSE(table.rows[1].p_value);
  EXPECT_THAT(table.notes, Contains("no p: the exact sign-flip test takes 40 pairs at most, and "
                                    "there are 42"));
}

TEST(Average, OfWhatDoesNotVarySaysSo) {
  EXPECT_EQ(ErrorText<UsageError>(
                [] { static_cast<void>(Averaged(Grid(), {.study = "s", .vary = "train.batch"})); }),
            "no average: nothing varies in train.batch: every model of s has batch=128; what "
            "varies is temporal, classifier");
}

}  // namespace table_average_test
}  // namespace beamgrid
