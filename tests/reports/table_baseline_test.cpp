// Rows that are made from one model: leave-one-out and swap-one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "reports/table.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace table_baseline_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

ModelSpec With(ModelSpec model, const std::vector<std::string>& extras, int batch = 128) {
  for (const std::string& extra : extras) {
    model.extras[extra] = extra == "dropout" ? Options{{"rate", 0.5}} : Options{};
  }
  model.train["batch"] = batch;
  return model;
}

/// The best model, and others that are further and further from it.
std::vector<TrialRecord> Study() {
  return {
      SmallTrial("plain", SmallModel(MeanPool(), Logistic()), 1, 0.50),
      SmallTrial("best", With(SmallModel(Blstm(1), Moe(2)), {"dropout", "layer_norm"}), 1, 0.80),
      SmallTrial("mean", With(SmallModel(MeanPool(), Moe(2)), {"dropout", "layer_norm"}), 1, 0.70),
      SmallTrial("wide", With(SmallModel(Blstm(2), Moe(2)), {"dropout", "layer_norm"}), 1, 0.79),
      SmallTrial("moe4", With(SmallModel(Blstm(1), Moe(4)), {"dropout", "layer_norm"}), 1, 0.78),
      SmallTrial("no-norm", With(SmallModel(Blstm(1), Moe(2)), {"dropout"}), 1, 0.77),
      SmallTrial("bare", With(SmallModel(Blstm(1), Moe(2)), {}), 1, 0.71),
      SmallTrial("batch", With(SmallModel(Blstm(1), Moe(2)), {"dropout", "layer_norm"}, 64), 1,
                 0.76),
  };
}

AblationTable Made(TableRows rows, TableQuestion question = {},
                   const std::vector<TrialRecord>& trials = Study()) {
  question.study = "s";
  question.rows = rows;
  return MakeTable(trials, SmallCatalogue(), question, {});
}

TEST(LeaveOneOut, TakesEachPartOfTheBestModelBack) {
  const AblationTable table = Made(TableRows::kLeaveOneOut);
  EXPECT_THAT(LabelsOf(table), ElementsAre("best", "temporal mean", "extras.dropout off",
                                           "extras.layer_norm off", "classifier logistic"));
  EXPECT_NEAR(*table.rows[1].delta, -0.10, 1e-12);
  EXPECT_NEAR(*table.rows[3].delta, -0.03, 1e-12);
  for (const std::size_t missing : {2U, 4U}) {
    EXPECT_FALSE(table.rows[missing].mean);
    EXPECT_EQ(table.rows[missing].missing, "the study has no model with it and all else the same");
  }
  EXPECT_TRUE(table.rows[0].chosen) << "it was taken because it is the best";
  EXPECT_EQ(table.title, "s: leave-one-out");
  EXPECT_THAT(table.caption,
              Contains("each row is best with one of its parts taken back to the default"));
  EXPECT_THAT(
      table.notes,
      Contains(
          "the baseline, best, is: multimodal concat; temporal blstm; classifier moe experts=2; "
          "label_processing none; loss cross_entropy; extras dropout rate=0.5 + "
          "layer_norm; train defaults"));
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("| part | instead | GAP |"));
  EXPECT_THAT(text, HasSubstr("|---|---|---:|"));
  EXPECT_THAT(text, HasSubstr("| baseline † | best | **0.8000** |"));
  EXPECT_THAT(text, HasSubstr("| extras.layer_norm | off | 0.7700 |"));
  EXPECT_THAT(text, HasSubstr("| classifier | logistic | - (the study has no model with it and all "
                              "else the same) |"));
  EXPECT_THAT(Render(table, "csv"), HasSubstr("extras.layer_norm,off"));
  EXPECT_THAT(Render(table, "json"), HasSubstr(R"("cells":["temporal","mean"])"));
}

TEST(LeaveOneOut, TakesASettingBackWhereTheStudyVariesIt) {
  const AblationTable table = Made(TableRows::kLeaveOneOut, {.baseline = "batch"});
  EXPECT_THAT(LabelsOf(table), Contains("train.batch 128"));
  EXPECT_NEAR(*table.rows.back().delta, 0.04, 1e-12);
  EXPECT_FALSE(table.rows[0].chosen);
}

TEST(LeaveOneOut, OfOnePartAlone) {
  EXPECT_THAT(LabelsOf(Made(TableRows::kLeaveOneOut, {.vary = "extras"})),
              ElementsAre("best", "extras.dropout off", "extras.layer_norm off"));
  EXPECT_THAT(LabelsOf(Made(TableRows::kLeaveOneOut, {.vary = "extras.layer_norm"})),
              ElementsAre("best", "extras.layer_norm off"));
}

TEST(SwapOne, HasAllModelsThatDifferInOneCriterion) {
  const AblationTable table = Made(TableRows::kSwapOne);
  EXPECT_THAT(LabelsOf(table), ElementsAre("best", "temporal mean", "temporal blstm layers=2",
                                           "extras dropout rate=0.5", "extras none",
                                           "classifier moe experts=4", "train batch=64"));
  EXPECT_NEAR(*table.rows[4].delta, -0.09, 1e-12) << "two extras are one criterion";
  EXPECT_THAT(table.caption, Contains("each row differs from best in one criterion alone"));
  EXPECT_THAT(Render(table, "md"), HasSubstr("| temporal | blstm layers=2 | 0.7900 |"));
  EXPECT_THAT(LabelsOf(Made(TableRows::kSwapOne, {.vary = "temporal", .baseline = "best"})),
              ElementsAre("best", "temporal mean", "temporal blstm layers=2"));
}

TEST(SwapOne, TakesTheBaselineByItsConditions) {
  const AblationTable table =
      Made(TableRows::kSwapOne, {.baseline = "temporal=blstm(layers=1);classifier.experts=4"});
  EXPECT_EQ(table.rows[0].label, "moe4");
  EXPECT_THAT(LabelsOf(table), ElementsAre("moe4", "classifier moe experts=2"));
}

TEST(SwapOne, RefusesABaselineThatIsNotOneModel) {
  const auto refusal = [](const TableQuestion& question, const std::vector<TrialRecord>& trials) {
    return ErrorText<UsageError>(
        [&] { static_cast<void>(Made(TableRows::kSwapOne, question, trials)); });
  };
  EXPECT_EQ(refusal({.baseline = "temporal=mean"}, Study()),
            "baseline = 'temporal=mean' is more than one model: plain, mean; name one of them");
  std::vector<TrialRecord> many = Study();
  for (int experts = 10; experts < 18; ++experts) {
    many.push_back(
        SmallTrial("m" + std::to_string(experts), SmallModel(MeanPool(), Moe(experts)), 1, 0.5));
  }
  EXPECT_EQ(
      refusal({.baseline = "temporal=mean"}, many),
      "baseline = 'temporal=mean' is more than one model: plain, mean, m10, m11, m12, m13 and "
      "4 more; name one of them");
  EXPECT_EQ(refusal({.baseline = "bset"}, Study()),
            "baseline = 'bset' is none of the study's models; `beamgrid trials s` lists them");
  std::vector<TrialRecord> unfinished = Study();
  unfinished[1].state = TrialState::kRunning;
  EXPECT_EQ(refusal({.baseline = "best"}, unfinished),
            "baseline = 'best': best has not all its seeds; finish them or take another model");
  for (TrialRecord& trial : unfinished) trial.state = TrialState::kFailed;
  EXPECT_EQ(refusal({}, unfinished), "no baseline: no model has all its seeds");
  EXPECT_EQ(refusal({.baseline = "plain"}, Study()),
            "nothing to swap: no model of the study differs from plain in one criterion alone");
  TableQuestion papers;
  papers.layout = TableLayout::kPaper;
  EXPECT_EQ(refusal(papers, Study()), "a paper's layout has no place beside swap-one");
  EXPECT_EQ(refusal({.vary = "temporal", .by = "classifier"}, Study()),
            "by = 'classifier' has no place beside swap-one");
  EXPECT_EQ(ErrorText<UsageError>(
                [] { static_cast<void>(Made(TableRows::kLeaveOneOut, {.baseline = "plain"})); }),
            "nothing to leave out: plain has no part that the study varies and that is not at its "
            "default");
}

}  // namespace table_baseline_test
}  // namespace beamgrid
