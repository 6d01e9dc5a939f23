// Intervals of tables where videos belong together.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "reports/resampling.h"
#include "reports/table.h"
#include "reports/two_level.h"
#include "tests/reports/planted_tables.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace report_groups_test {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::shared_ptr<const VideoGroups> GroupsOf(const Predictions& predictions, std::size_t size) {
  std::map<std::string, std::string, std::less<>> groups;
  for (std::size_t v = 0; v < predictions.videos.size(); ++v) {
    groups[predictions.videos[v].id] = "s" + std::to_string(v / size);
  }
  return std::make_shared<const VideoGroups>("subject", std::move(groups));
}

TEST(ResampleVideos, GivesAllVideosOfAGroupOneWeight) {
  const Predictions predictions =
      planted::Tables({.rows = 1, .seeds = 1, .videos = 50}).Draw(0)[0][0];
  const auto groups = GroupsOf(predictions, 3);
  EXPECT_EQ(CountGroups(predictions, *groups), 17U);
  int compared = 0;
  for (const Metric& metric : kMetrics) {
    if (!IsResampled(metric)) continue;
    const Resampled resampled = ResampleVideos(predictions, metric, 40, groups.get());
    if (std::isnan(resampled.value)) continue;  // not measured: these videos have several labels
    ++compared;
    EXPECT_EQ(resampled.value, ResampleVideos(predictions, metric, 0).value);
    for (std::size_t r = 0; r < 40; ++r) {
      MetricsAccumulator expected;
      for (const VideoPrediction& video : predictions.videos) {
        for (std::uint32_t i = 0; i < VideoWeight(groups->Of(video.id), r); ++i) {
          expected.AddSparse(video.top, video.labels);
        }
      }
      EXPECT_NEAR(resampled.resamples[r], expected.Compute().*metric.value, 1e-12) << metric.name;
    }
  }
  EXPECT_GE(compared, 3);
}

TEST(ResampleVideos, RefusesAVideoWithoutAGroup) {
  const Predictions predictions =
      planted::Tables({.rows = 1, .seeds = 1, .videos = 3}).Draw(0)[0][0];
  const VideoGroups groups("day", {{predictions.videos[0].id, "Monday"}});
  EXPECT_THAT(ErrorText<InputError>(
                  [&] { (void)ResampleVideos(predictions, *FindMetric("gap"), 5, &groups); }),
              HasSubstr("is of no known day"));
}

/// The table of three models of two seeds each, of which the videos belong together.
AblationTable TableOf(std::size_t videos_of_a_group, bool lack_one = false) {
  std::vector<TrialRecord> trials;
  std::map<std::pair<std::string, std::int64_t>, Predictions> predictions;
  int experts = 1;
  for (auto& row : planted::Tables({.rows = 3, .seeds = 2, .videos = 120, .effect = 2}).Draw(0)) {
    for (std::size_t s = 0; s < row.size(); ++s) {
      trials.push_back(SmallTrial(
          "MoE" + std::to_string(experts), SmallModel(MeanPool(), Moe(experts)),
          static_cast<std::int64_t>(s) + 1, ResampleVideos(row[s], *FindMetric("gap"), 0).value));
      predictions[{trials.back().name, trials.back().seed}] = std::move(row[s]);
    }
    experts *= 2;
  }
  std::shared_ptr<const VideoGroups> groups =
      GroupsOf(predictions.begin()->second, videos_of_a_group);
  if (lack_one) {
    auto fewer = groups->groups();
    fewer.erase(fewer.begin());
    groups = std::make_shared<const VideoGroups>("subject", std::move(fewer));
  }
  const TableResampling resampling{
      .resamples = 400,
      .read = [&](const TrialRecord& trial) { return predictions.at({trial.name, trial.seed}); },
      .groups = groups};
  TableQuestion question;
  question.study = "s";
  question.vary = "classifier";
  return MakeTable(trials, SmallCatalogue(), question, {}, nullptr, false, &resampling);
}

TEST(TableOfGroups, SaysThatGroupsWereResampledAndHowMany) {
  const AblationTable table = TableOf(4);
  EXPECT_EQ(table.video_groups, 30U);
  EXPECT_THAT(table.caption,
              Contains("difference: from moe experts=1, 95 % interval by 400 resamples of the 30 "
                       "groups (subject) of the 120 videos and of the seeds"));
  EXPECT_THAT(table.notes, Contains(HasSubstr("the groups' and")));
  EXPECT_THAT(table.notes, Not(Contains(HasSubstr("videos' and"))));
  const auto json = ParseJson(Render(table, "json"));
  EXPECT_EQ(json.at("groups").at("by"), "subject");
  EXPECT_EQ(json.at("groups").at("number"), 30);
  EXPECT_THAT(Render(table, "csv"), HasSubstr("resampled_groups_of"));
}

TEST(TableOfGroups, OfFewerThanAResampleNeedsHasNoIntervalAndSaysWhy) {
  const AblationTable table = TableOf(10);
  for (const TableRow& row : table.rows) EXPECT_FALSE(row.difference);
  EXPECT_THAT(table.notes, Contains(HasSubstr("its 12 groups (subject) are fewer than the 20 that "
                                              "a resample needs")));
}

TEST(TableOfGroups, NeverTakesAVideoForAGroup) {
  const AblationTable table = TableOf(4, /*lack_one=*/true);
  for (const TableRow& row : table.rows) EXPECT_FALSE(row.difference);
  EXPECT_THAT(table.remarks, Contains(HasSubstr("is of no known subject (data.group, --groups)")));
}

/// A model's predictions of which whether they are right depends on the subject.
Predictions OfSubjects(std::mt19937_64& random, int subjects, int videos) {
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  Predictions predictions{.classes = 2, .top_k = 2};
  for (int s = 0; s < subjects; ++s) {
    const double right = uniform();
    for (int v = 0; v < videos; ++v) {
      const bool hit = uniform() < right;
      predictions.videos.push_back({.id = std::to_string(s) + "-" + std::to_string(v),
                                    .top = {{hit ? 0 : 1, 0.75}, {hit ? 1 : 0, 0.25}},
                                    .labels = {0}});
    }
  }
  return predictions;
}

TEST(TableOfGroups, TheIntervalOfVideosIsTooNarrowWhereVideosOfASubjectAreAlike) {
  constexpr int kDraws = 200, kSubjects = 40, kVideos = 6;
  std::mt19937_64 random(11);
  const Metric& hit = *FindMetric("hit_at_1");
  int by_videos = 0, by_groups = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Predictions a = OfSubjects(random, kSubjects, kVideos);
    const Predictions b = OfSubjects(random, kSubjects, kVideos);
    const auto groups = GroupsOf(a, kVideos);
    // Both are drawn alike: their difference is 0.
    const auto holds_0 = [&](const VideoGroups* of) {
      const Resampled of_a = ResampleVideos(a, hit, 200, of),
                      of_b = ResampleVideos(b, hit, 200, of);
      return TwoLevelDifference({{1}, {&of_a}}, {{1}, {&of_b}}).interval.excludes_zero() ? 0 : 1;
    };
    by_videos += holds_0(nullptr);
    by_groups += holds_0(groups.get());
  }
  RecordProperty("by_videos", by_videos);
  RecordProperty("by_groups", by_groups);
  EXPECT_GE(by_groups, kDraws * 90 / 100) << "of 95 % intervals";
  EXPECT_LE(by_groups, kDraws * 99 / 100);
  EXPECT_LE(by_videos, kDraws * 80 / 100) << "if this holds, nothing was planted";
}

}  // namespace report_groups_test
}  // namespace beamgrid
