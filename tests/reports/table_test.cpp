#include "reports/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "search/varied.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// What Na et al.'s greedy procedure leaves: temporal varied over moe 2, then classifier over
/// blstm.
std::vector<TrialRecord> GreedyStudy() {
  return {SmallTrial("mean-MoE2", SmallModel(MeanPool(), Moe(2)), 1, 0.70, 1'000'000),
          SmallTrial("BLSTM-MoE2", SmallModel(Blstm(1), Moe(2)), 1, 0.80, 2'000'000),
          SmallTrial("BLSTM2-MoE2", SmallModel(Blstm(2), Moe(2)), 1, 0.79),
          SmallTrial("BLSTM-logistic", SmallModel(Blstm(1), Logistic()), 1, 0.75),
          SmallTrial("BLSTM-MoE4", SmallModel(Blstm(1), Moe(4)), 1, 0.82),
          SmallTrial("BLSTM-MoE8", SmallModel(Blstm(1), Moe(8)), 1, 0.81)};
}

TableQuestion Vary(const std::string& vary) { return {.study = "s", .vary = vary}; }

std::string Refusal(const std::vector<TrialRecord>& trials, const TableQuestion& question) {
  try {
    (void)MakeTable(trials, SmallCatalogue(), question, {});
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(MakeTable, TakesTheGroupWithTheMostVariantsInTheOrderOfTheStudy) {
  const AblationTable temporal = MakeTable(GreedyStudy(), SmallCatalogue(), Vary("temporal"), {});
  EXPECT_THAT(LabelsOf(temporal), ElementsAre("mean", "blstm layers=1", "blstm layers=2"));
  EXPECT_THAT(temporal.notes,
              Contains("held fixed: multimodal concat; classifier moe experts=2; label_processing "
                       "none; loss cross_entropy; extras none; train defaults"));
  EXPECT_THAT(temporal.remarks, Contains(HasSubstr("the study holds 4 such groups")));

  const AblationTable classifier =
      MakeTable(GreedyStudy(), SmallCatalogue(), Vary("classifier"), {});
  EXPECT_THAT(LabelsOf(classifier),
              ElementsAre("moe experts=2", "logistic", "moe experts=4", "moe experts=8"));
  EXPECT_NEAR(*classifier.rows[1].delta, -0.05, 1e-12);
  EXPECT_FALSE(classifier.rows[0].delta) << "the first row is what the others are compared with";
}

TEST(MakeTable, CrossesTwoCriteria) {
  const std::vector<TrialRecord> trials = {SmallTrial("a", SmallModel(MeanPool(), Moe(2)), 1, 0.70),
                                           SmallTrial("b", SmallModel(MeanPool(), Moe(4)), 1, 0.72),
                                           SmallTrial("c", SmallModel(Blstm(1), Moe(2)), 1, 0.80),
                                           SmallTrial("d", SmallModel(Blstm(1), Moe(8)), 1, -1)};
  TableQuestion question = Vary("temporal");
  question.by = "classifier";
  const AblationTable table = MakeTable(trials, SmallCatalogue(), question, {});
  EXPECT_THAT(LabelsOf(table), ElementsAre("mean × moe experts=2", "mean × moe experts=4",
                                           "blstm × moe experts=2", "blstm × moe experts=8"));
  EXPECT_NEAR(*table.rows[2].delta, 0.1, 1e-12);
  EXPECT_TRUE(table.rows[2].best);
  EXPECT_EQ(Render(table, "md").substr(0, Render(table, "md").find("\n\nHeld")),
            "**s: temporal by classifier**\n\n"
            "GAP of one seed. Bold: the best. 3 trials, 0s of training.\n\n"
            "| temporal / classifier | moe experts=2 | moe experts=2: difference | moe experts=4 | "
            "moe experts=4: difference | moe experts=8 |\n"
            "|---|---:|---:|---:|---:|---:|\n"
            "| mean | 0.7000 |  | 0.7200 | +0.0200 | - |\n"
            "| blstm | **0.8000** | +0.1000 | - |  | - (0 of 1 seed: 1 failed) |");
  EXPECT_THAT(Render(table, "latex"), Not(HasSubstr("difference"))) << "it would be too wide";
  EXPECT_THAT(table.notes, Contains("held fixed: multimodal concat; label_processing none; loss "
                                    "cross_entropy; extras none; train defaults"));
  EXPECT_THAT(table.notes, Contains("a dash: a combination that the study did not ask for"));
  EXPECT_THAT(Render(table, "latex"),
              HasSubstr("blstm & {\\boldmath\\num[reset-math-version=false]{0.8000}} & "
                        "\\textemdash{} & "));
  EXPECT_THAT(Render(table, "html"), HasSubstr("<td><strong>0.8000</strong></td>"));
  EXPECT_THAT(Render(table, "csv"), HasSubstr(",row,column\n"));
  EXPECT_THAT(Render(table, "json"),
              HasSubstr(R"("cross":{"column":"moe experts=4","row":"mean"})"));
}

TEST(MakeTable, RefusesColumnsThatAreNoOthers) {
  const auto refusal = [](const std::string& vary, const std::string& by) {
    TableQuestion question = Vary(vary);
    question.by = by;
    return Refusal(GreedyStudy(), question);
  };
  EXPECT_EQ(refusal("", "temporal"), "by = 'temporal': columns need rows, which --vary names");
  EXPECT_EQ(refusal("temporal", "temporal"), "by = 'temporal': the rows vary it already");
  EXPECT_EQ(refusal("extras", "extras.dropout"), "by = 'extras.dropout': the rows vary it already");
  EXPECT_THAT(refusal("temporal", "train.patience"),
              HasSubstr("by = 'train.patience': none of the models has it"));
  TableQuestion question = Vary("temporal");
  question.by = "classifier";
  question.reference = "kim18/2";
  EXPECT_EQ(
      Refusal(GreedyStudy(), question),
      "by = 'classifier': a table of rows and columns has no column of effects or of a paper");
}

TEST(MakeTable, FixChoosesAnotherGroup) {
  TableQuestion question = Vary("classifier");
  question.fix = {{"temporal", "mean"}};
  EXPECT_THAT(LabelsOf(MakeTable(GreedyStudy(), SmallCatalogue(), question, {})),
              ElementsAre("moe experts=2"));
  question.fix = {{"temporal", "blstm(layers=2)"}};
  EXPECT_EQ(MakeTable(GreedyStudy(), SmallCatalogue(), question, {}).rows[0].mean, 0.79);
  question.fix = {{"temporal", "gru"}, {"classifier.experts", "2"}};
  EXPECT_EQ(Refusal(GreedyStudy(), question),
            "study 's': none of its 6 models has temporal=gru, classifier.experts=2");
}

TEST(MakeTable, OfTwoEquallyWideGroupsTakesTheBetterThenTheEarlier) {
  const auto study = [](double third, double fourth) {
    return std::vector<TrialRecord>{SmallTrial("a", SmallModel(MeanPool(), Moe(2)), 1, 0.5),
                                    SmallTrial("b", SmallModel(MeanPool(), Logistic()), 1, 0.5),
                                    SmallTrial("c", SmallModel(Blstm(1), Moe(2)), 1, third),
                                    SmallTrial("d", SmallModel(Blstm(1), Logistic()), 1, fourth)};
  };
  const auto first_mean = [&](double third, double fourth) {
    return *MakeTable(study(third, fourth), SmallCatalogue(), Vary("classifier"), {}).rows[0].mean;
  };
  EXPECT_EQ(first_mean(0.4, 0.7), 0.4);
  EXPECT_EQ(first_mean(0.4, 0.4), 0.5);
  EXPECT_EQ(first_mean(0.25, 0.75), 0.5);
}

TEST(MakeTable, SaysWhyItIsThisGroupAndNoOther) {
  std::vector<TrialRecord> trials = {SmallTrial("a", SmallModel(MeanPool(), Moe(2)), 1, 0.5),
                                     SmallTrial("b", SmallModel(MeanPool(), Logistic()), 1, 0.5),
                                     SmallTrial("c", SmallModel(Blstm(1), Moe(2)), 1, 0.5)};
  const auto why = [&] {
    const AblationTable table = MakeTable(trials, SmallCatalogue(), Vary("classifier"), {});
    EXPECT_EQ(table.groups, 2U);
    return table.remarks.at(0);
  };
  const std::string start = "the study holds 2 such groups; ";
  EXPECT_EQ(why(), start + "this is the one with the most measured variants");
  trials.push_back(SmallTrial("d", SmallModel(Blstm(1), Logistic()), 1, 0.75));
  EXPECT_EQ(why(), start +
                       "of those with the most measured variants this is the one with the best "
                       "mean");
  trials.back() = SmallTrial("d", SmallModel(Blstm(1), Logistic()), 1, 0.5);
  EXPECT_EQ(why(), start +
                       "of those with as many measured variants, the same mean and as many "
                       "variants this is the one that was asked for first");
  trials.push_back(SmallTrial("e", SmallModel(Blstm(1), Moe(4)), 1, -1));
  EXPECT_EQ(why(), start +
                       "of those with the most measured variants and the best mean this is the "
                       "one with the most variants");
  const std::string latex =
      Render(MakeTable(trials, SmallCatalogue(), Vary("classifier"), {}), "latex");
  EXPECT_EQ(latex.find("--"), std::string::npos) << "a command line's hint in a paper: " << latex;
}

TEST(MakeTable, GathersSeedsAndTestsThemPairedAgainstTheFirstRow) {
  const ModelSpec plain = SmallModel(MeanPool(), Logistic());
  const ModelSpec moe = SmallModel(MeanPool(), Moe(2));
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", plain, 3, 0.52), SmallTrial("a", plain, 1, 0.50),
      SmallTrial("a", plain, 2, 0.51), SmallTrial("b", moe, 1, 0.55),
      SmallTrial("b", moe, 2, 0.57),   SmallTrial("b", moe, 3, 0.56)};
  TableQuestion question = Vary("classifier");
  question.test = TableTest::kT;
  const AblationTable table = MakeTable(trials, SmallCatalogue(), question, {});
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_THAT(table.rows[0].seeds, ElementsAre(0.50, 0.51, 0.52));
  EXPECT_NEAR(*table.rows[0].std, 0.01, 1e-12);
  EXPECT_NEAR(*table.rows[1].mean, 0.56, 1e-12);
  EXPECT_NEAR(*table.rows[1].p_value, PairedTTest({0.55, 0.57, 0.56}, {0.50, 0.51, 0.52}), 1e-15);
  EXPECT_THAT(
      table.caption,
      Contains(
          "test behind p: two-sided t-test paired by seed, on these videos, against logistic"));

  std::vector<TrialRecord> other_seeds = trials;
  other_seeds[5].seed = 4;
  const AblationTable welch = MakeTable(other_seeds, SmallCatalogue(), question, {});
  EXPECT_NEAR(*welch.rows[1].p_value, WelchTTest({0.55, 0.57, 0.56}, {0.50, 0.51, 0.52}), 1e-15);
  EXPECT_THAT(
      welch.caption,
      Contains("test behind p: two-sided Welch's t-test on these videos, against logistic"));
}

TEST(MakeTable, SaysWhatASearchLetGoAndThatSeedsWereRacedFor) {
  const ModelSpec plain = SmallModel(MeanPool(), Logistic());
  const ModelSpec two = SmallModel(MeanPool(), Moe(2)), four = SmallModel(MeanPool(), Moe(4));
  std::vector<TrialRecord> trials = {SmallTrial("a", plain, 1, 0.50), SmallTrial("b", two, 1, 0.55),
                                     SmallTrial("b", two, 2, 0.57), SmallTrial("c", four, 1, 0)};
  trials[3].state = TrialState::kPruned;
  trials[3].result.reset();
  const auto made = [&](bool raced) {
    return MakeTable(trials, SmallCatalogue(), Vary("classifier"), {}, nullptr, raced);
  };
  const AblationTable table = made(true);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_FALSE(table.rows[2].mean);
  EXPECT_THAT(table.notes, Contains("the search let trials of 1 of 3 rows go before the end of "
                                    "their training; what they came to stands in no column"));
  EXPECT_THAT(
      table.notes,
      Contains("rows have 1 to 2 seeds, for further ones are raced for by those that may be the "
               "best: a difference is between means of different seeds"));
  EXPECT_THAT(made(false).notes,
              Contains("rows have 1 to 2 seeds: a difference is between means of different seeds"));
  const std::string text = Render(made(false), "md");
  EXPECT_THAT(text, HasSubstr("| logistic | 0.500 (1 seed) |")) << text;
  EXPECT_THAT(text, HasSubstr(" (2 seeds)")) << text;
}

TEST(MakeTable, NamesABetterModelOfAnotherGroup) {
  std::vector<TrialRecord> trials = GreedyStudy();
  const auto notes = [&] {
    return MakeTable(trials, SmallCatalogue(), Vary("temporal"), {}).remarks;
  };
  EXPECT_THAT(notes(), Contains("the study's best, BLSTM-MoE4 with 0.8200, is of another group and "
                                "not in this table"));
  trials.resize(4);
  EXPECT_THAT(notes(), testing::Not(Contains(HasSubstr("the study's best"))));
}

TEST(MakeTable, SaysWhichOfThePapersRowsCannotBeMatched) {
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5)};
  TableQuestion question = Vary("temporal");
  question.reference = "locust19/2";
  const PaperTable paper = {
      {{.row = "Mean", .spec = "temporal=mean", .value = 0.6, .text = "0.60"},
       {.row = "CNN2", .value = 0.755, .text = "0.755", .note = "nobody says what it is"}}};
  const AblationTable table = MakeTable(trials, SmallCatalogue(), question, paper);
  EXPECT_EQ(table.rows[0].reference_text, "0.60");
  EXPECT_THAT(
      table.notes,
      Contains("no row of ours is that of locust19/2, CNN2 (0.755): nobody says what it is"));
}

// A study that was gone on with after a component had got an option: its earlier trials do not name
// it and are seeds of the same models.
TEST(MakeTable, TakesTrialsFromBeforeAnOptionForWhatTheyAre) {
  Catalogue catalogue = SmallCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.name == "moe") {
      component.options.push_back(
          {.name = "dummy", .type = OptionType::kBool, .default_value = true});
    }
  }
  ModelSpec before = SmallModel(MeanPool(), Moe(2)), after = before;
  after.parts["classifier"].options["dummy"] = true;
  const AblationTable table =
      MakeTable({SmallTrial("a", before, 1, 0.5), SmallTrial("a", after, 2, 0.6)}, catalogue,
                Vary("classifier"), {});
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_THAT(table.rows[0].seeds, ElementsAre(0.5, 0.6));
}

TEST(MakeTable, NeverComparesIncompleteRows) {
  const ModelSpec plain = SmallModel(MeanPool(), Logistic());
  const ModelSpec moe = SmallModel(MeanPool(), Moe(2));
  std::vector<TrialRecord> trials = {SmallTrial("a", plain, 1, 0.50),
                                     SmallTrial("a", plain, 2, 0.6), SmallTrial("b", moe, 1, 0.55),
                                     SmallTrial("b", moe, 2, -1)};
  trials[3].state = TrialState::kRunning;
  const AblationTable table = MakeTable(trials, SmallCatalogue(), Vary("classifier"), {});
  EXPECT_EQ(table.rows[1].missing_seeds, 1);
  EXPECT_EQ(table.rows[1].mean, 0.55);
  EXPECT_FALSE(table.rows[1].std);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_FALSE(table.rows[1].p_value);
  EXPECT_THAT(table.notes, Contains("incomplete rows: 1 of 2; they are not compared"));
}

TEST(MakeTable, ComparesWithTheFirstRowThatHasAllItsSeeds) {
  std::vector<TrialRecord> trials;
  const double gaps[] = {0.5, 0.6, 0.55, 0.57, 0.65, 0.63};
  for (std::size_t i = 0; i < std::size(gaps); ++i) {
    const int row = static_cast<int>(i) / 2;
    trials.push_back(SmallTrial(std::to_string(row), SmallModel(MeanPool(), Moe(1 << row)),
                                static_cast<std::int64_t>(i % 2) + 1, gaps[i]));
  }
  trials[0].state = TrialState::kPruned;
  trials[0].result.reset();
  TableQuestion question = Vary("classifier");
  question.test = TableTest::kT;
  const auto made = [&] { return MakeTable(trials, SmallCatalogue(), question, {}); };
  AblationTable table = made();
  EXPECT_FALSE(table.rows[0].delta);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_NEAR(*table.rows[2].delta, 0.64 - 0.56, 1e-12);
  EXPECT_NEAR(*table.rows[2].p_value, PairedTTest({0.65, 0.63}, {0.55, 0.57}), 1e-15);
  EXPECT_THAT(table.caption,
              Contains("difference: from moe experts=2, 95 % interval of other seeds on these "
                       "videos (t)"));
  EXPECT_THAT(
      table.caption,
      Contains("test behind p: two-sided t-test paired by seed, on these videos, against moe "
               "experts=2"));
  EXPECT_THAT(table.notes, Contains("incomplete rows: 1 of 3; they are not compared"));
  for (const std::size_t i : {2U, 4U}) trials[i].state = TrialState::kFailed;
  table = made();
  for (const TableRow& row : table.rows) EXPECT_FALSE(row.delta);
  EXPECT_THAT(table.caption, Contains("difference: none, for no row has all its seeds"));
}

TEST(MakeTable, WhatWasNotMeasuredIsMissing) {
  const ModelSpec plain = SmallModel(MeanPool(), Logistic());
  std::vector<TrialRecord> trials = {SmallTrial("a", plain, 1, 0.5),
                                     SmallTrial("a", plain, 2, 0.6)};
  TableQuestion question = Vary("classifier");
  question.metric = "segment_map";  // of data without ratings
  AblationTable table = MakeTable(trials, SmallCatalogue(), question, {});
  EXPECT_FALSE(table.rows[0].mean);
  EXPECT_EQ(table.rows[0].missing_seeds, 2);
  EXPECT_THAT(Render(table, "md"), Not(HasSubstr("nan")));
  trials[1].result->metrics.segment_map = 0.25;
  table = MakeTable(trials, SmallCatalogue(), question, {});
  EXPECT_EQ(table.rows[0].mean, 0.25);
  EXPECT_THAT(table.rows[0].seed_numbers, ElementsAre(2));
}

TEST(MakeTable, SaysThatRecordsWereSkipped) {
  std::vector<TrialRecord> trials = {SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
                                     SmallTrial("b", SmallModel(MeanPool(), Moe(2)), 1, 0.6)};
  const std::string note = "up to 39 records of the data were skipped as damaged";
  EXPECT_THAT(MakeTable(trials, SmallCatalogue(), Vary("classifier"), {}).notes,
              Not(Contains(HasSubstr("skipped"))));
  trials[0].result->skipped_records = 3;
  trials[1].result->skipped_records = 39;
  EXPECT_THAT(MakeTable(trials, SmallCatalogue(), Vary("classifier"), {}).notes, Contains(note));
}

TEST(MakeTable, WithoutACriterionIsALeaderboardOfWholeModels) {
  TableQuestion question;
  question.study = "s";
  std::vector<TrialRecord> trials = GreedyStudy();
  trials.push_back(SmallTrial("failed", SmallModel(MeanPool(), Moe(9)), 1, -1));
  const AblationTable table = MakeTable(trials, SmallCatalogue(), question, {});
  EXPECT_THAT(LabelsOf(table), ElementsAre("BLSTM-MoE4", "BLSTM-MoE8", "BLSTM-MoE2", "BLSTM2-MoE2",
                                           "BLSTM-logistic", "mean-MoE2", "failed"));
  EXPECT_EQ(table.title, "s: models");
  EXPECT_EQ(table.columns[0], "model");
}

TEST(MakeTable, NamesExtrasAndTrainingSettingsByWhatDiffers) {
  ModelSpec plain = SmallModel(MeanPool(), Logistic());
  ModelSpec dropout = plain;
  dropout.extras = {{"dropout", {{"rate", 0.2}}}};
  ModelSpec both = plain;
  both.extras = {{"dropout", {{"rate", 0.5}}}, {"layer_norm", {}}};
  EXPECT_THAT(LabelsOf(MakeTable({SmallTrial("a", plain, 1, 0.1), SmallTrial("b", dropout, 1, 0.2),
                                  SmallTrial("c", both, 1, 0.3)},
                                 SmallCatalogue(), Vary("extras"), {})),
              ElementsAre("none", "dropout rate=0.2", "dropout rate=0.5 + layer_norm"));
  ModelSpec small_batch = plain;
  small_batch.train["batch"] = 32;
  EXPECT_THAT(
      LabelsOf(MakeTable({SmallTrial("a", plain, 1, 0.1), SmallTrial("b", small_batch, 1, 0.2)},
                         SmallCatalogue(), Vary("train"), {})),
      ElementsAre("batch=128", "batch=32"));
}

TEST(MakeTable, VariesOneExtraOrTrainingSettingAlone) {
  const ModelSpec plain = SmallModel(MeanPool(), Logistic());
  ModelSpec dropout = plain, normed = plain, both = plain, small_batch = plain;
  dropout.extras["dropout"] = {{"rate", 0.5}};
  normed.extras["layer_norm"] = {};
  both.extras = {{"dropout", {{"rate", 0.5}}}, {"layer_norm", {}}};
  small_batch.train["batch"] = 64;
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", plain, 1, 0.1), SmallTrial("b", dropout, 1, 0.2),
      SmallTrial("c", normed, 1, 0.4), SmallTrial("d", both, 1, 0.7),
      SmallTrial("e", small_batch, 1, 0.15)};
  const AblationTable extra = MakeTable(trials, SmallCatalogue(), Vary("extras.layer_norm"), {});
  EXPECT_EQ(extra.title, "s: extras.layer_norm");
  EXPECT_EQ(extra.columns[0], "extras.layer_norm");
  EXPECT_THAT(LabelsOf(extra), ElementsAre("none", "layer_norm")) << "dropout is held fixed";
  EXPECT_NEAR(*extra.rows[1].delta, 0.7 - 0.2, 1e-12) << "of two such groups the better one";
  EXPECT_THAT(extra.notes,
              Contains("held fixed: multimodal concat; temporal mean; classifier logistic; "
                       "label_processing none; loss cross_entropy; extras dropout rate=0.5; train "
                       "defaults"));
  const AblationTable setting = MakeTable(trials, SmallCatalogue(), Vary("train.batch"), {});
  EXPECT_THAT(LabelsOf(setting), ElementsAre("batch=128", "batch=64"));
  EXPECT_NEAR(*setting.rows[1].delta, 0.05, 1e-12);
  EXPECT_THAT(LabelsOf(MakeTable(trials, SmallCatalogue(), Vary("train.batch+epochs"), {})),
              ElementsAre("batch=128", "batch=64"));
  const std::string kinds =
      "; a table varies a criterion (multimodal, temporal, classifier, label_processing, loss, "
      "extras, train), options of its component as in temporal.hidden, extras or training settings "
      "as in extras.dropout, or options of an extra as in extras.dropout.rate";
  EXPECT_EQ(
      Refusal(trials, Vary("extras.layernorm")),
      "vary = 'extras.layernorm': none of the models has it; did you mean 'layer_norm'?; they "
      "have dropout, layer_norm" +
          kinds);
  EXPECT_EQ(Refusal(trials, Vary("train.patience")),
            "vary = 'train.patience': none of the models has it; they have batch, epochs" + kinds);
  EXPECT_EQ(Refusal(trials, Vary("temporal.hidden")),
            "vary = 'temporal.hidden': none of the models has it" + kinds);
  EXPECT_THAT(Refusal(trials, Vary("temporal.mean")),
              HasSubstr("vary = 'temporal.mean': none of the models has it"));
}

TEST(MakeTable, VariesAnyOption) {
  const auto rate = [](double value, const Variant& temporal) {
    ModelSpec model = SmallModel(temporal, Logistic());
    if (value > 0) model.extras["dropout"] = {{"rate", value}};
    return model;
  };
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", rate(0, Blstm(1)), 1, 0.1),   SmallTrial("b", rate(0, Blstm(2)), 1, 0.2),
      SmallTrial("c", rate(0.2, Blstm(2)), 1, 0.3), SmallTrial("d", rate(0.5, Blstm(2)), 1, 0.4),
      SmallTrial("e", rate(0, MeanPool()), 1, 0.9), SmallTrial("f", rate(0.9, MeanPool()), 1, 0.9)};
  const AblationTable layers = MakeTable(trials, SmallCatalogue(), Vary("temporal.layers"), {});
  EXPECT_THAT(LabelsOf(layers), ElementsAre("layers=1", "layers=2"));
  EXPECT_NEAR(*layers.rows[1].delta, 0.1, 1e-12);
  EXPECT_EQ(layers.columns[0], "temporal.layers");
  EXPECT_THAT(layers.notes,
              Contains("held fixed: multimodal concat; temporal blstm; classifier logistic; "
                       "label_processing none; loss cross_entropy; extras none; train defaults"));
  const AblationTable rates = MakeTable(trials, SmallCatalogue(), Vary("extras.dropout.rate"), {});
  EXPECT_THAT(LabelsOf(rates), ElementsAre("rate=0.2", "rate=0.5")) << "where it is on";
  EXPECT_THAT(rates.notes, Contains(HasSubstr("extras dropout; train")));
  TableQuestion crossed = Vary("temporal.layers");
  crossed.by = "extras.dropout";
  const AblationTable cells = MakeTable(trials, SmallCatalogue(), crossed, {});
  EXPECT_THAT(LabelsOf(cells),
              ElementsAre("layers=1 × none", "layers=2 × none", "layers=2 × dropout rate=0.2",
                          "layers=2 × dropout rate=0.5"));
  TableQuestion question = Vary("temporal.layers");
  question.baseline = "temporal.layers=2";
  EXPECT_EQ(MakeTable(trials, SmallCatalogue(), question, {}).compared, 1U);
}

TEST(MakeTable, TakesTheQuestionOfARecipe) {
  const TableQuestion question = QuestionOf("s", "map",
                                            {.title = "T",
                                             .vary = "temporal",
                                             .by = "classifier",
                                             .fix = "extras=none; classifier=moe(experts=2)",
                                             .baseline = "b"});
  EXPECT_EQ(question.metric, "map");
  EXPECT_EQ(question.by, "classifier");
  EXPECT_EQ(question.baseline, "b");
  ASSERT_EQ(question.fix.size(), 2U);
  TableQuestion fixed = question;
  fixed.vary = fixed.by = fixed.baseline = "";
  EXPECT_EQ(MakeTable(GreedyStudy(), SmallCatalogue(), fixed, {}).rows.size(), 3U);
  EXPECT_TRUE(QuestionOf("s", "gap", {.layout = TableLayout::kPaper}).columns.empty());
}

TEST(MakeTable, PutsThePapersNumbersBesideOurs) {
  const PaperTable paper = {
      {{"Logistic model", "multimodal=concat;classifier=logistic", 0.7942, "0.7942"},
       {"MoE 4", "classifier=moe(experts=4)", 0.83, "0.8300"},
       {"not run", "classifier=moe(experts=8)", std::nullopt, "-"},
       {"about something else", "temporal=blstm", 0.5, "0.5"}}};
  TableQuestion question = Vary("classifier");
  question.reference = "kim18/2";
  const AblationTable table = MakeTable(GreedyStudy(), SmallCatalogue(), question, paper);
  EXPECT_FALSE(table.rows[0].reference);
  EXPECT_EQ(table.rows[1].reference, 0.7942);
  EXPECT_EQ(table.rows[2].reference_text, "0.8300");
  EXPECT_FALSE(table.rows[3].reference);
  EXPECT_EQ(table.rows[3].reference_text, "-");
  EXPECT_EQ(table.columns.at(table.columns.size() - 2), "kim18/2");
  EXPECT_EQ(table.columns.back(), "ours - theirs");
  EXPECT_NEAR(*table.rows[1].reference_difference, 0.75 - 0.7942, 1e-12);
  EXPECT_FALSE(table.rows[3].reference_difference);
  // A whole model must meet all of the paper's conditions.
  question.vary.clear();
  const AblationTable models = MakeTable(GreedyStudy(), SmallCatalogue(), question, paper);
  for (const TableRow& row : models.rows) EXPECT_NE(row.reference, 0.5) << row.label;
  EXPECT_THAT(models.notes, Contains(HasSubstr("no row of ours is that of kim18/2, about something "
                                               "else (0.5): ")));
}

TEST(MakeTable, PutsNoNumberOfAPaperBesideSeveralRows) {
  const std::vector<TrialRecord> trials = {
      SmallTrial("two", SmallModel(MeanPool(), Moe(2)), 1, 0.5),
      SmallTrial("four", SmallModel(MeanPool(), Moe(4)), 1, 0.6),
      SmallTrial("plain", SmallModel(MeanPool(), Logistic()), 1, 0.4)};
  const PaperTable paper = {{{"MoE", "classifier=moe", 0.83, "0.8300"},
                             {"Logistic", "classifier=logistic", 0.79, "0.7900"}}};
  for (const char* vary : {"", "classifier"}) {
    TableQuestion question = Vary(vary);
    question.reference = "kim18/1";
    const AblationTable table = MakeTable(trials, SmallCatalogue(), question, paper);
    std::size_t with = 0;
    for (const TableRow& row : table.rows) with += row.reference ? 1 : 0;
    EXPECT_EQ(with, 1U) << "of logistic alone it is known which";
    EXPECT_THAT(table.notes,
                Contains(HasSubstr("no row of ours is that of kim18/1, MoE (0.8300): 2 "
                                   "models are it: ")));
  }
}

// The number of classes alone tells that data are not the paper's.
TEST(MakeTable, HasNoDifferenceFromAPaperOfOtherData) {
  PaperTable paper = {{{"MoE 2", "classifier=moe(experts=2)", 0.8282, "0.8282"}}};
  paper.source = "Kim et al., 2018, table 2";
  paper.data = "YouTube-8M of 2018";
  paper.classes = 3862;
  TableQuestion question = Vary("classifier");
  question.reference = "kim18/2";
  const auto made = [&](std::int64_t classes) {
    return MakeTable(GreedyStudy(), SmallCatalogue(), question, paper, nullptr, false, nullptr,
                     classes);
  };
  const std::string named =
      "column kim18/2: Kim et al., 2018, table 2 (YouTube-8M of 2018, 3,862 classes)";
  const AblationTable other = made(24);
  EXPECT_EQ(other.rows.at(0).reference_text, "0.8282") << "the paper's number may stand";
  for (const TableRow& row : other.rows) EXPECT_FALSE(row.reference_difference) << row.label;
  EXPECT_THAT(other.columns, testing::Not(Contains("ours - theirs")));
  EXPECT_THAT(other.notes,
              Contains("no difference from kim18/2: the paper's data are YouTube-8M of "
                       "2018, 3,862 classes, those of this study have 24 classes, so "
                       "that the numbers are of different tasks"));
  EXPECT_THAT(other.caption, Contains(named));
  const AblationTable same = made(3862);
  EXPECT_NEAR(same.rows.at(0).reference_difference.value(), *same.rows[0].mean - 0.8282, 1e-12);
  EXPECT_THAT(same.notes, Contains("ours - theirs: whether this study's data are the paper's, "
                                   "YouTube-8M of 2018, 3,862 classes, the record cannot tell"));
  EXPECT_THAT(Render(same, "latex"), HasSubstr("Column kim18/2: Kim et al., 2018, table 2"));
  paper.of_test_part = true;
  EXPECT_THAT(made(3862).notes, Contains("ours - theirs: the paper's numbers are of the "
                                         "competition's test videos, ours of the study's "
                                         "validation videos"));
}

TEST(MakeTable, SaysWhereNothingIsComplete) {
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, -1),
      SmallTrial("b", SmallModel(MeanPool(), Moe(2)), 1, -1)};
  EXPECT_THAT(MakeTable(trials, SmallCatalogue(), Vary("classifier"), {}).remarks,
              Contains("no row has a number: no trial of study 's' that would be in it is "
                       "complete"));
}

TEST(MakeTable, SaysWhereWhatIsCompleteHasNotMeasuredTheMetric) {
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
      SmallTrial("b", SmallModel(MeanPool(), Moe(2)), 1, 0.5)};
  TableQuestion question = Vary("classifier");
  question.metric = "accuracy";
  EXPECT_THAT(MakeTable(trials, SmallCatalogue(), question, {}).remarks,
              Contains("no row has a number: no trial of study 's' has measured accuracy, which is "
                       "of videos with one label each"));
}

TEST(MakeTable, HasWholeModelsOfEqualMeansByName) {
  const std::vector<TrialRecord> trials = {
      SmallTrial("b", SmallModel(MeanPool(), Logistic()), 1, 0.5),
      SmallTrial("a", SmallModel(MeanPool(), Moe(2)), 1, 0.5)};
  const AblationTable table = MakeTable(trials, SmallCatalogue(), Vary(""), {});
  EXPECT_THAT(LabelsOf(table), ElementsAre("a", "b"));
}

// One interval bound would read as 0 by the digits of the others: the whole column gets one more.
TEST(MakeTable, RoundsAnIntervalInOneWay) {
  std::vector<TrialRecord> trials;
  for (int seed = 1; seed <= 3; ++seed) {
    trials.push_back(SmallTrial("a", SmallModel(MeanPool(), Logistic()), seed, 0.5));
    trials.push_back(
        SmallTrial("b", SmallModel(MeanPool(), Moe(2)), seed, 0.5 - 0.01 - 0.0039 * (seed - 2)));
  }
  const AblationTable table = MakeTable(trials, SmallCatalogue(), Vary("classifier"), {});
  ASSERT_TRUE(table.rows[1].difference);
  const ConfidenceInterval& interval = table.rows[1].difference->interval;
  ASSERT_LT(std::abs(interval.high), 0.0005) << "the case in question";
  EXPECT_THAT(Render(table, "md"), HasSubstr("| -0.0100 [" + FixedText(interval.low, 4) + ", " +
                                             FixedText(interval.high, 4) + "] |"));
}

TEST(MakeTable, SaysThatAPapersTableIsAboutSomethingElse) {
  const PaperTable paper = {{{"MoE", "multimodal=concat;classifier=moe", 0.83, "0.8300"}}};
  TableQuestion question = Vary("temporal");
  question.reference = "kim18/2";
  const char* why =
      "vary = 'temporal' does not fit kim18/2, whose rows differ in multimodal, classifier: none "
      "of "
      "them is about temporal";
  EXPECT_THAT(MakeTable(GreedyStudy(), SmallCatalogue(), question, paper).notes,
              Contains("no numbers of the paper: " + std::string(why)));
  question.layout = TableLayout::kPaper;
  EXPECT_EQ(ErrorText<UsageError>([&] {
              static_cast<void>(MakeTable(GreedyStudy(), SmallCatalogue(), question, paper));
            }),
            why);
}

TEST(MakeTable, OfAPapersRowsSaysThatABetterModelIsNoneOfThem) {
  const PaperTable paper = {{{"Logistic", "classifier=logistic", 0.79, "0.7900"}}};
  TableQuestion question = Vary("classifier");
  question.reference = "kim18/2";
  question.layout = TableLayout::kPaper;
  const std::vector<TrialRecord> trials = {
      SmallTrial("four", SmallModel(MeanPool(), Moe(4)), 1, 0.6),
      SmallTrial("plain", SmallModel(MeanPool(), Logistic()), 1, 0.4),
      SmallTrial("other", SmallModel(Blstm(1), Moe(2)), 1, 0.5)};
  EXPECT_THAT(
      MakeTable(trials, SmallCatalogue(), question, paper).remarks,
      Contains("the study's best, four with 0.6000, is not in this table: it is none of the "
               "paper's rows alone"));
}

TEST(MakeTable, DoesNotHoldFixedWhatItVaries) {
  ModelSpec extra = SmallModel(MeanPool(), Logistic());
  extra.extras["dropout"] = {{"rate", 0.2}};
  const std::vector<TrialRecord> trials = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5), SmallTrial("b", extra, 1, 0.6)};
  EXPECT_THAT(
      MakeTable(trials, SmallCatalogue(), Vary("extras.dropout"), {}).notes,
      Contains("held fixed: multimodal concat; temporal mean; classifier logistic; "
               "label_processing none; loss cross_entropy; train defaults; no other extras"));
}

TEST(MakeTable, SaysWhereNothingVaries) {
  const AblationTable table = MakeTable(GreedyStudy(), SmallCatalogue(), Vary("train.batch"), {});
  EXPECT_THAT(LabelsOf(table), ElementsAre("batch=128")) << "its number, though it is the default";
  EXPECT_THAT(table.notes, Contains("nothing varies in train.batch: every model of s has "
                                    "batch=128; what varies is temporal, classifier"));
  const std::vector<TrialRecord> pools = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
      SmallTrial("b", SmallModel(Blstm(1), Logistic()), 1, 0.6)};
  EXPECT_THAT(MakeTable(pools, SmallCatalogue(), Vary("temporal.hidden"), {}).notes,
              Contains("nothing varies in temporal.hidden: every model of s that has it has "
                       "hidden=512; what varies is nothing but the seeds"));
  // It varies, but never alone.
  const std::vector<TrialRecord> together = {
      SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
      SmallTrial("b", SmallModel(Blstm(1), Moe(2)), 1, 0.6)};
  EXPECT_THAT(MakeTable(together, SmallCatalogue(), Vary("temporal"), {}).notes,
              Contains("one row: no two measured models of s differ in temporal alone"));
  TableQuestion fixed = Vary("temporal");
  fixed.fix = {{"temporal", "mean"}};
  EXPECT_THAT(MakeTable(GreedyStudy(), SmallCatalogue(), fixed, {}).notes,
              Contains(HasSubstr("nothing varies in temporal: every model of s with temporal=mean "
                                 "has mean; what varies is ")));
  EXPECT_THAT(MakeTable(GreedyStudy(), SmallCatalogue(), Vary("temporal"), {}).notes,
              testing::Not(Contains(HasSubstr("nothing varies"))));
}

TEST(MakeTable, ShowsOtherMetrics) {
  TableQuestion question = Vary("classifier");
  question.metric = "map";
  const AblationTable table = MakeTable(GreedyStudy(), SmallCatalogue(), question, {});
  EXPECT_EQ(table.rows[0].mean, 0.4);
  EXPECT_EQ(table.columns[1], "mAP");
}

TEST(MakeTable, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Refusal(GreedyStudy(), Vary("optimiser")),
            "vary = 'optimiser' is not a criterion; " + WhatTablesVary());
  TableQuestion misspelt = Vary("temporal");
  misspelt.by = "classifer";
  EXPECT_EQ(Refusal(GreedyStudy(), misspelt),
            "by = 'classifer' is not a criterion; did you mean 'classifier'?; " + WhatTablesVary());
  TableQuestion question = Vary("temporal");
  question.metric = "precision";
  EXPECT_EQ(Refusal(GreedyStudy(), question),
            "metric = 'precision', must be one of accuracy, gap, hit_at_1, map, perr, segment_map, "
            "top_5");
  EXPECT_EQ(Refusal({}, Vary("temporal")), "study 's' has no trials");
}

}  // namespace
}  // namespace beamgrid
