// Differences, intervals, p and bold rows of tables from trials with predictions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "registry/util/error.h"
#include "reports/statistics.h"
#include "reports/table.h"
#include "reports/table_parts.h"
#include "tests/reports/planted_tables.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace table_compare_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// PlantedStudy is trials of a classifier with 1, 2, 4, ... experts, of which the last is better by
/// an effect, with their predictions.
class PlantedStudy {
 public:
  explicit PlantedStudy(const planted::Question& question) {
    int experts = 1;
    for (std::vector<Predictions>& row : planted::Tables(question).Draw(0)) {
      for (std::size_t s = 0; s < row.size(); ++s) {
        const double gap = ResampleVideos(row[s], *FindMetric("gap"), 0).value;
        trials.push_back(SmallTrial("MoE" + std::to_string(experts),
                                    SmallModel(MeanPool(), Moe(experts)),
                                    static_cast<std::int64_t>(s) + 1, gap));
        predictions[{trials.back().name, trials.back().seed}] = std::move(row[s]);
      }
      experts += experts < 64 ? experts : 1;
    }
  }

  [[nodiscard]] AblationTable Table(TableQuestion question = {}) const {
    question.study = "s";
    question.vary = "classifier";
    const TableResampling resampling{.resamples = 400, .read = [this](const TrialRecord& trial) {
                                       const auto found =
                                           predictions.find({trial.name, trial.seed});
                                       if (found == predictions.end())
                                         throw Error("gone\nfor good");
                                       return found->second;
                                     }};
    return MakeTable(trials, SmallCatalogue(), question, {}, nullptr, false, &resampling);
  }
  /// Of no other videos: intervals are those of the seeds.
  [[nodiscard]] AblationTable TableOfSeeds(TableQuestion question) const {
    question.study = "s";
    question.vary = "classifier";
    return MakeTable(trials, SmallCatalogue(), question, {});
  }
  Predictions& Of(const std::string& name, std::int64_t seed) {
    return predictions.at({name, seed});
  }

  std::vector<TrialRecord> trials;
  std::map<std::pair<std::string, std::int64_t>, Predictions> predictions;
};

std::vector<bool> AmongBestOf(const AblationTable& table) {
  std::vector<bool> among;
  for (const TableRow& row : table.rows) among.push_back(row.among_best);
  return among;
}

TEST(CompareRows, GivesDifferencesTheirIntervalsAndMarksWhatMayBeTheBest) {
  const AblationTable table =
      PlantedStudy({.rows = 3, .seeds = 3, .videos = 200, .seed_spread = 0.1, .effect = 3}).Table();
  EXPECT_EQ(table.resamples, 400U);
  EXPECT_EQ(table.videos, 200U);
  EXPECT_FALSE(table.rows[0].difference);
  for (const TableRow& row : {table.rows[1], table.rows[2]}) {
    ASSERT_TRUE(row.difference);
    EXPECT_NEAR(row.difference->value, *row.delta, 1e-12);
    EXPECT_LT(row.difference->interval.low, *row.delta);
    EXPECT_GT(row.difference->interval.high, *row.delta);
    EXPECT_EQ(row.difference->levels, Levels::kSeedsAndVideos);
  }
  EXPECT_FALSE(table.rows[1].difference->interval.excludes_zero());
  EXPECT_TRUE(table.rows[2].difference->interval.excludes_zero());
  EXPECT_THAT(AmongBestOf(table), ElementsAre(false, false, true));
  EXPECT_THAT(table.columns, Contains("difference [95 %]"));
  EXPECT_THAT(table.columns, Contains("GAP (3 seeds)"));
  EXPECT_THAT(table.caption, Contains("difference: from moe experts=1, 95 % interval by 400 "
                                      "resamples of the 200 videos and of the seeds"));
  EXPECT_THAT(table.caption, Contains("bold: the best; all others are worse (5 % for all "
                                      "comparisons together)"));
  EXPECT_THAT(table.notes, Contains("no p: no exact test of 3 seeds can be below 0.25; 6 seeds can "
                                    "be below 0.05"));
  EXPECT_THAT(table.columns, Not(Contains("p")));
}

TEST(CompareRows, SaysWhatTheVarianceIsMadeOf) {
  const AblationTable table =
      PlantedStudy({.rows = 2, .seeds = 3, .videos = 200, .seed_spread = 0.5}).Table();
  const RowDifference& difference = *table.rows[1].difference;
  const double all =
      difference.seeds_variance + difference.videos_variance + difference.remainder_variance;
  const auto seeds = std::lround(100 * difference.seeds_variance / all);
  const auto videos = std::lround(100 * difference.videos_variance / all);
  EXPECT_THAT(table.notes,
              Contains("of a difference's variance " + std::to_string(seeds) +
                       " % is the seeds', " + std::to_string(videos) + " % the videos' and " +
                       std::to_string(100 - seeds - videos) + " % that of both together"));
}

TEST(CompareRows, DoesNotSayThatWhatWasNotTestedIsWorse) {
  PlantedStudy study({.rows = 3, .seeds = 3, .videos = 200, .seed_spread = 0.1, .effect = 3});
  study.predictions.erase({"MoE2", 2});
  EXPECT_THAT(study.Table().caption, Contains("bold: the best; all others that could be tested are "
                                              "worse (5 % for all comparisons together)"));
}

TEST(CompareRows, DoesNotSayThatARowThatLacksSeedsIsWorse) {
  PlantedStudy study({.rows = 3, .seeds = 3, .videos = 200, .seed_spread = 0.1, .effect = 3});
  // The last row is the highest by far, and one of its seeds failed.
  const auto lost = std::ranges::find_if(study.trials, [](const TrialRecord& trial) {
    return trial.name == "MoE4" && trial.seed == 2;
  });
  ASSERT_NE(lost, study.trials.end());
  lost->state = TrialState::kFailed;
  lost->result.reset();
  const AblationTable table = study.Table();
  ASSERT_GT(*table.rows[2].mean, *table.rows[0].mean);
  ASSERT_GT(*table.rows[2].mean, *table.rows[1].mean);
  EXPECT_FALSE(table.rows[2].among_best);
  EXPECT_THAT(table.caption,
              Contains("bold: the highest mean alone; with 3 seeds the test tells no "
                       "other row from it; rows that lack seeds take no part"));
}

TEST(CompareRows, DoesNotSayThatWhatWasLetGoIsWorse) {
  PlantedStudy study({.rows = 3, .seeds = 3, .videos = 200, .seed_spread = 0.1, .effect = 3});
  for (TrialRecord& trial : study.trials) {
    if (trial.name != "MoE2") continue;
    trial.state = TrialState::kPruned;
    trial.result.reset();
  }
  EXPECT_THAT(study.Table().caption,
              Contains("bold: the best; all others that could be tested are worse (5 % for all "
                       "comparisons together)"));
}

TEST(CompareRows, OfAColumnOfCellsTheNotesOfDifferencesAreWhereDifferencesAre) {
  const PlantedStudy study({.rows = 2, .seeds = 3});
  TableQuestion question;
  question.by = "train.batch";
  const AblationTable table = study.Table(question);
  EXPECT_THAT(table.notes, Not(Contains(HasSubstr("difference"))));
  EXPECT_THAT(table.notes, Not(Contains(HasSubstr("no p"))));
  EXPECT_THAT(table.caption, Contains(HasSubstr("bold: ")));
  EXPECT_THAT(Render(table, "latex"), Not(HasSubstr("difference")));
  EXPECT_THAT(Render(table, "md"), HasSubstr("Difference: from moe experts=1"));
  EXPECT_THAT(Render(table, "json"), HasSubstr("Difference: from moe experts=1"));
}

// Two combinations of two rows: pairs of combination and seed over the same videos.
TEST(CompareRows, OfAnAverageResamplesVideosAndPairs) {
  PlantedStudy study({.rows = 2, .seeds = 2, .effect = 2});
  const std::vector<TrialRecord> first = study.trials;
  for (const TrialRecord& trial : first) {
    ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
    model.train["batch"] = 64;
    Predictions predictions = study.Of(trial.name, trial.seed);
    for (VideoPrediction& video : predictions.videos) {
      for (auto& label : video.top) label.score /= label.label % 2 == 0 ? 1 : 2;
      std::ranges::stable_sort(video.top,
                               [](const auto& a, const auto& b) { return a.score > b.score; });
    }
    const double gap = ResampleVideos(predictions, *FindMetric("gap"), 0).value;
    study.trials.push_back(SmallTrial(trial.name + "-b64", model, trial.seed, gap));
    study.predictions[{study.trials.back().name, trial.seed}] = predictions;
  }
  TableQuestion question;
  question.rows = TableRows::kAverage;
  const AblationTable table = study.Table(question);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.combinations, 2U);
  std::vector<Resampled> resampled;
  for (const TrialRecord& trial : study.trials) {
    resampled.push_back(ResampleVideos(study.Of(trial.name, trial.seed), *FindMetric("gap"), 400));
  }
  // The study's order: MoE1 and MoE2 with seeds 1 and 2, then the same with the other batch.
  const auto row = [&](std::size_t from) {
    return SeededRow{
        {0, 1, 2, 3},
        {&resampled[from], &resampled[from + 1], &resampled[from + 4], &resampled[from + 5]}};
  };
  const RowDifference expected = TwoLevelDifference(row(2), row(0));
  const RowDifference& difference = *table.rows[1].difference;
  EXPECT_EQ(difference.levels, Levels::kSeedsAndVideos);
  EXPECT_NEAR(difference.value, *table.rows[1].delta, 1e-12);
  EXPECT_DOUBLE_EQ(difference.interval.low, expected.interval.low);
  EXPECT_DOUBLE_EQ(difference.interval.high, expected.interval.high);
  EXPECT_THAT(table.caption,
              Contains("difference: from moe experts=1, 95 % interval by 400 resamples "
                       "of the 60 videos and of the seeds of the same combinations"));
}

TEST(CompareRows, OfFewSeedsThatTellNothingOnlyTheHighestIsBold) {
  const AblationTable table = PlantedStudy({.rows = 3, .seeds = 2}).Table();
  EXPECT_THAT(AmongBestOf(table), ElementsAre(true, true, true));
  EXPECT_THAT(table.caption,
              Contains("bold: the highest mean alone; with 2 seeds the test tells no other row "
                       "from it"));
  const auto count = [](const std::string& text, const std::string& what) {
    int found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  const std::string md = Render(table, "md");
  EXPECT_EQ(count(md.substr(md.find("\n| ")), "**"), 2) << md;
  EXPECT_EQ(count(Render(table, "latex"), "\\boldmath"), 1);
}

// What is bold is judged for all comparisons together, an interval for its own alone.
TEST(CompareRows, SaysWhereARowIsBoldWhoseIntervalLeavesOutZero) {
  const PlantedStudy study({.rows = 2, .seeds = 1, .videos = 100, .effect = 1});
  AblationTable two = study.Table();
  ASSERT_TRUE(two.rows[1].difference->interval.excludes_zero());
  ASSERT_FALSE(two.rows[0].among_best);
  EXPECT_THAT(two.caption, Not(Contains(HasSubstr("leaves out 0"))));
  two.rows[0].among_best = true;  // as beside many other rows
  EXPECT_THAT(BoldNote(two),
              HasSubstr(" (5 % for all comparisons together: a row may be bold whose own interval "
                        "leaves out 0)"));
}

TEST(CompareRows, SaysWhyATTestHasNoP) {
  EXPECT_THAT(PlantedStudy({.rows = 2, .seeds = 1}).Table({.test = TableTest::kT}).notes,
              Contains("no p: a t-test needs 2 seeds of each row"));
}

TEST(CompareRows, OfMoreSeedsLeavesAllBoldThatAreNotShownToBeWorse) {
  const AblationTable table = PlantedStudy({.rows = 3, .seeds = 5}).Table();
  EXPECT_THAT(AmongBestOf(table), ElementsAre(true, true, true));
  EXPECT_THAT(table.caption, Contains("bold: the best, and what is not shown to be worse (5 % for "
                                      "all comparisons together)"));
  EXPECT_THAT(Render(table, "html"),
              testing::ContainsRegex("<strong>.*\n.*<strong>.*\n.*<strong>"));
}

// One row is far below: the test tells something even of three seeds.
TEST(CompareRows, OfFewSeedsBoldIsTheTestsWhereItTellsSomething) {
  const AblationTable table =
      PlantedStudy({.rows = 3, .seeds = 3, .videos = 200, .seed_spread = 0.1, .effect = 3}).Table();
  EXPECT_THAT(table.caption, Contains(HasSubstr("bold: the best; all others are worse")));
}

TEST(CompareRows, TestsSixSeedsExactlyAndCorrects) {
  const PlantedStudy study({.rows = 3, .seeds = 6, .effect = 2});
  const AblationTable table = study.Table();
  const double p = *SignFlipTest(table.rows[1].seeds, table.rows[0].seeds);
  EXPECT_DOUBLE_EQ(*table.rows[1].p_value, p);
  EXPECT_DOUBLE_EQ(*table.rows[2].p_value, 0.03125);
  EXPECT_DOUBLE_EQ(*table.rows[2].p_corrected, 0.0625) << "Holm's, of two";
  EXPECT_THAT(table.columns, Contains("p"));
  EXPECT_THAT(table.caption,
              Contains("test behind p: exact sign-flip test of 6 seeds on these videos, against "
                       "moe experts=1, after Holm for 2 comparisons"));
  EXPECT_THAT(table.notes,
              Contains("no p of 2 comparisons of 6 seeds can be below 0.062 after Holm"));
  TableQuestion question{.test = TableTest::kTwoLevel};
  EXPECT_EQ(*study.Table(question).rows[2].p_value, table.rows[2].difference->p);
  EXPECT_THAT(study.Table(question).caption,
              Contains(HasSubstr("test behind p: two-sided test of seeds and videos, against")));
}

TEST(CompareRows, ATwoLevelTestOfOneLevelIsNone) {
  const TableQuestion question{.test = TableTest::kTwoLevel};
  const AblationTable single = PlantedStudy({.rows = 2, .seeds = 1}).Table(question);
  EXPECT_TRUE(single.rows[1].difference) << "of the videos";
  EXPECT_FALSE(single.rows[1].p_value);
  const AblationTable seeds = PlantedStudy({.rows = 2, .seeds = 3}).TableOfSeeds(question);
  EXPECT_EQ(seeds.rows[1].difference->levels, Levels::kSeeds);
  EXPECT_FALSE(seeds.rows[1].p_value);
  EXPECT_THAT(seeds.notes, Contains("no p: the two-level test is of seeds and videos, and the "
                                    "videos were not resampled"));
  EXPECT_THAT(single.notes, Contains("no p: the two-level test is of seeds and videos, and a row "
                                     "has a single seed"));
}

TEST(CompareRows, IsTheSameEachTime) {
  const PlantedStudy study({.rows = 3, .seeds = 2});
  for (const char* format : {"json", "latex", "md"}) {
    EXPECT_EQ(Render(study.Table(), format), Render(study.Table(), format));
  }
}

TEST(CompareRows, OfOneSeedSpeaksOfTheVideosAlone) {
  const AblationTable table = PlantedStudy({.rows = 2, .seeds = 1}).Table();
  EXPECT_EQ(table.rows[1].difference->levels, Levels::kVideos);
  EXPECT_THAT(table.caption,
              Contains("difference: from moe experts=1, 95 % interval by 400 resamples of the 60 "
                       "videos alone: a single seed says nothing of others"));
  EXPECT_THAT(table.caption, Contains(HasSubstr(", of these trained models (5 % for all")));
}

TEST(CompareRows, HasNoIntervalWithoutPredictionsAndSaysWhy) {
  PlantedStudy study({.rows = 3, .seeds = 2, .effect = 3});
  study.predictions.erase({"MoE2", 2});
  const AblationTable table = study.Table();
  EXPECT_FALSE(table.rows[1].difference);
  EXPECT_TRUE(table.rows[1].delta);
  EXPECT_FALSE(table.rows[1].among_best) << "nothing says whether it may be";
  EXPECT_EQ(table.rows[1].no_interval, "MoE2 seed 2: its predictions cannot be read");
  EXPECT_THAT(table.remarks, testing::ElementsAre("MoE2 seed 2: gone")) << "once";
  EXPECT_TRUE(table.rows[2].difference);
  EXPECT_THAT(table.notes, Contains("no interval for 1 row: MoE2 seed 2: its "
                                    "predictions cannot be read"));
}

TEST(CompareRows, DoesNotTrustPredictionsThatContradictTheRecord) {
  PlantedStudy study({.rows = 2, .seeds = 2});
  study.trials[3].result->metrics.gap = 0.123456;
  EXPECT_THAT(study.Table().rows[1].no_interval,
              testing::MatchesRegex("MoE2 seed 2: its predictions have GAP 0\\.[0-9]{6}, the "
                                    "record says 0\\.123456"));
}

TEST(CompareRows, PairsTheSameVideosOnly) {
  PlantedStudy study({.rows = 2, .seeds = 2});
  for (VideoPrediction& video : study.Of("MoE2", 1).videos) video.id += "x";
  EXPECT_EQ(study.Table().rows[1].no_interval,
            "MoE2 seed 1 and MoE1 seed 1 are of different videos or true labels");
}

TEST(CompareRows, NeedsSomeVideosAndNotTooManyTrials) {
  EXPECT_EQ(PlantedStudy({.rows = 2, .seeds = 2, .videos = 19}).Table().rows[1].no_interval,
            "MoE2 seed 1: its 19 videos are fewer than the 20 that a resample needs");
  const PlantedStudy large({.rows = 101, .seeds = 2, .videos = 5});
  EXPECT_EQ(large.Table().rows[1].no_interval,
            "the table has 202 trials, and the predictions of 200 are read at most");
}

TEST(CompareRows, OfOtherMetricsHasTheSeedsInterval) {
  const PlantedStudy study({.rows = 2, .seeds = 3});
  TableQuestion question;
  question.metric = "map";
  const AblationTable table = study.Table(question);
  EXPECT_EQ(table.rows[1].difference->levels, Levels::kSeeds);
  EXPECT_THAT(table.caption,
              Contains("difference: from moe experts=1, 95 % interval of other seeds "
                       "on these videos (t)"));
}

TEST(CompareRows, ComparesWithTheRowThatIsAskedFor) {
  PlantedStudy study({.rows = 3, .seeds = 2, .effect = 3});
  TableQuestion question;
  for (const char* baseline : {"classifier.experts=4", "moe experts=4"}) {
    question.baseline = baseline;
    const AblationTable table = study.Table(question);
    EXPECT_EQ(table.compared, 2U);
    EXPECT_FALSE(table.rows[2].delta);
    EXPECT_NEAR(*table.rows[0].delta, *table.rows[0].mean - *table.rows[2].mean, 1e-12);
    EXPECT_TRUE(table.rows[2].chosen);
    EXPECT_THAT(table.notes,
                Contains("marked †: moe experts=4, the best of the same data that it is compared "
                         "on, so that its lead is likely too large"));
  }
  EXPECT_FALSE(study.Table().rows[0].chosen) << "the first row was not chosen for its number";
  const auto refusal = [&](const char* baseline) {
    question.baseline = baseline;
    return ErrorText<UsageError>([&] { (void)study.Table(question); });
  };
  EXPECT_EQ(refusal("moe"),
            "baseline = 'moe' is none of the table's rows, which are moe experts=1, "
            "moe experts=2, moe experts=4");
  EXPECT_EQ(refusal("classifier.experts=8"),
            "baseline = 'classifier.experts=8' is none of the table's rows, which are moe "
            "experts=1, moe experts=2, moe experts=4");
  EXPECT_EQ(refusal("classifier=moe"),
            "baseline = 'classifier=moe' is more than one row: moe experts=1, moe experts=2, moe "
            "experts=4; name one of them");
  study.trials[1].state = TrialState::kFailed;
  EXPECT_EQ(refusal("classifier.experts=1"),
            "baseline = 'classifier.experts=1': its row, moe experts=1, has not all its seeds; "
            "finish them or take another row");
}

TEST(CompareRows, RoundsAColumnByItsUncertainty) {
  const auto decimals = [](std::vector<double> gaps) {
    std::vector<TrialRecord> trials;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      trials.push_back(SmallTrial("a", SmallModel(MeanPool(), Moe(2)),
                                  static_cast<std::int64_t>(i) + 1, gaps[i]));
    }
    return MakeTable(trials, SmallCatalogue(), {.study = "s", .vary = "classifier"}, {}).decimals;
  };
  EXPECT_EQ(decimals({0.5}), 4) << "nothing says how uncertain it is";
  EXPECT_EQ(decimals({0.5, 0.5}), 4);
  EXPECT_EQ(decimals({0.5, 0.5 + 0.012 * 1.4143}), 3);
  EXPECT_EQ(decimals({0.5, 0.5 + 0.0012 * 1.4143}), 4);
  EXPECT_EQ(decimals({0.5, 0.5 + 0.00099 * 1.4143}), 5);
  EXPECT_EQ(decimals({0.5, 0.5 + 0.000999 * 1.4143}), 4) << "0.0010";
  EXPECT_EQ(decimals({0.2, 0.8}), 2);
  EXPECT_EQ(decimals({0.5, 0.5 + 1e-9}), 6);
}

}  // namespace table_compare_test
}  // namespace beamgrid
