// Groups of videos, as of one subject: held out, folded and resampled as a whole.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "registry/scoring/segments.h"
#include "registry/util/input_error.h"
#include "search/ensemble/bootstrap.h"
#include "search/ensemble/models.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace groups_test {

using testing::Contains;
using testing::HasSubstr;

/// Groups of so many videos each, by the order of the videos.
std::shared_ptr<const VideoGroups> GroupsOf(const std::vector<VideoPrediction>& videos,
                                            std::size_t size) {
  std::map<std::string, std::string, std::less<>> groups;
  for (std::size_t v = 0; v < videos.size(); ++v) {
    groups[videos[v].id] = "subject " + std::to_string(v / size);
  }
  return std::make_shared<const VideoGroups>("subject", std::move(groups));
}

std::vector<EnsembleModel> Planted(std::uint32_t seed = 1) {
  return PlantPool({.models = 5, .videos = 120, .classes = 25, .list_length = 15}, seed);
}

EnsembleModels PoolOf(const std::vector<EnsembleModel>& models,
                      std::shared_ptr<const VideoGroups> groups) {
  EnsembleModels pool;
  for (const EnsembleModel& model : models) {
    pool.Add(model.name, model.size_bytes, model.predictions);
  }
  pool.set_groups(std::move(groups));
  return pool;
}

TEST(Groups, AreNeverSplitByTheHoldout) {
  const auto models = Planted();
  const auto groups = GroupsOf(models[0].predictions.videos, 4);
  const SplitModels parts = SplitVideos(PoolOf(models, groups).Aligned(), 0.4);
  std::set<std::string> selected, held;
  for (std::size_t v = 0; v < parts.selection[0].size(); ++v) {
    selected.insert(groups->Of(parts.selection[0].id(v)));
  }
  for (std::size_t v = 0; v < parts.holdout[0].size(); ++v) {
    held.insert(groups->Of(parts.holdout[0].id(v)));
  }
  EXPECT_EQ(parts.selection[0].size() + parts.holdout[0].size(), 120U);
  EXPECT_EQ(selected.size() + held.size(), 30U) << "no group is in both";
  EXPECT_GT(held.size(), 3U);
}

TEST(Groups, OfSegmentsAreTheirVideos) {
  auto models = Planted();
  for (EnsembleModel& model : models) {
    for (std::size_t v = 0; v < model.predictions.videos.size(); ++v) {
      model.predictions.videos[v].id =
          "v" + std::to_string(v / 4) + ":" + std::to_string(v % 4 * 5);
    }
  }
  const EnsembleModels pool = PoolOf(models, nullptr);
  const SplitModels parts = SplitVideos(pool.Aligned(), 0.4);
  std::set<std::string_view> selected, held;
  for (std::size_t v = 0; v < parts.selection[0].size(); ++v) {
    selected.insert(VideoOfSegment(parts.selection[0].id(v)));
  }
  for (std::size_t v = 0; v < parts.holdout[0].size(); ++v) {
    held.insert(VideoOfSegment(parts.holdout[0].id(v)));
    EXPECT_TRUE(InHoldout(std::string(VideoOfSegment(parts.holdout[0].id(v))), 0.4));
  }
  EXPECT_EQ(selected.size() + held.size(), 30U) << "no video has segments in both";
  const EnsembleAnswer answer = FindEnsemble({.holdout = 0.4, .bootstrap = 50}, pool);
  EXPECT_EQ(answer.grouped_by, "video");
  EXPECT_EQ(answer.selection_groups, std::ssize(selected));
  EXPECT_EQ(ToJson(answer).at("unit"), "segment");
  EXPECT_THAT(answer.notes, Contains("groups (video), not segments, are held out and resampled: " +
                                     std::to_string(selected.size()) + " in the selection, " +
                                     std::to_string(held.size()) + " in the holdout"));
}

TEST(Groups, AreSaidWithTheAnswer) {
  const auto models = Planted();
  EnsembleQuestion question{.holdout = 0.4, .bootstrap = 50};
  const EnsembleAnswer answer =
      FindEnsemble(question, PoolOf(models, GroupsOf(models[0].predictions.videos, 4)));
  EXPECT_EQ(answer.grouped_by, "subject");
  EXPECT_EQ(answer.selection_groups + answer.holdout->groups, 30);
  EXPECT_EQ(ToJson(answer).at("groups").at("by"), "subject");
  EXPECT_EQ(ToJson(answer).at("groups").at("holdout"), answer.holdout->groups);
  EXPECT_THAT(answer.notes,
              Contains("the holdout part has " + std::to_string(answer.holdout->groups) +
                       " groups (subject) only: the interval of fewer than 20 is too "
                       "narrow"));
  const EnsembleAnswer alone = FindEnsemble(question, PoolOf(models, nullptr));
  EXPECT_FALSE(ToJson(alone).contains("groups"));
}

TEST(Groups, ThatTrainingHasTooAreSaid) {
  const auto models = Planted();
  const auto groups = GroupsOf(models[0].predictions.videos, 4);
  const EnsembleQuestion question{.holdout = 0.4, .bootstrap = 50};
  const auto is_told = Contains(testing::StartsWith("3 groups (subject) of the validation videos"));
  const auto seen = std::make_shared<const VideoGroups>(groups->by(), groups->groups(), 3);
  EXPECT_THAT(FindEnsemble(question, PoolOf(models, seen)).notes, is_told);
  EXPECT_THAT(FindEnsemble(question, PoolOf(models, groups)).notes, testing::Not(is_told));
}

TEST(Groups, NoIntervalIsCalledTooNarrowWhereThereIsNone) {
  // One model can be no gain over itself.
  auto models = Planted();
  models.resize(1);
  const EnsembleAnswer answer = FindEnsemble(
      {.holdout = 0.4, .bootstrap = 50}, PoolOf(models, GroupsOf(models[0].predictions.videos, 4)));
  ASSERT_TRUE(answer.holdout);
  EXPECT_LT(answer.holdout->groups, 20);
  EXPECT_TRUE(IsBestSingle(answer));
  EXPECT_THAT(answer.notes, testing::Not(Contains(HasSubstr("too narrow"))));
}

TEST(Groups, OfOneVideoEachAreHeldOutByTheirNames) {
  // The same as videos but for the hash that is taken: of the group's name.
  const auto models = Planted();
  std::map<std::string, std::string, std::less<>> ids;
  for (const VideoPrediction& video : models[0].predictions.videos) ids[video.id] = video.id;
  const EnsembleQuestion question{.holdout = 0.4, .bootstrap = 50};
  const EnsembleAnswer by_video = FindEnsemble(question, PoolOf(models, nullptr));
  const EnsembleAnswer by_group =
      FindEnsemble(question, PoolOf(models, std::make_shared<const VideoGroups>("id", ids)));
  EXPECT_EQ(by_group.holdout->low, by_video.holdout->low);
  EXPECT_EQ(by_group.holdout->high, by_video.holdout->high);
  EXPECT_EQ(by_group.selection_gap, by_video.selection_gap);
}

TEST(Groups, AVideoWithoutOneIsRefused) {
  const auto models = Planted();
  const auto groups =
      std::make_shared<const VideoGroups>("subject", decltype(VideoGroups("", {}).groups()){});
  const EnsembleModels pool = PoolOf(models, groups);
  EXPECT_THAT(ErrorText<InputError>([&] { (void)pool.Aligned(); }),
              HasSubstr("is of no known subject"));
}

TEST(Groups, TooFewForAHoldoutAreSaid) {
  const auto models = Planted();
  const auto one = GroupsOf(models[0].predictions.videos, 120);
  EnsembleQuestion question{.holdout = 0.4};
  // One group is on one side: with nothing to select on that is refused, else it is noted.
  if (InHoldout("subject 0", 0.4)) {
    EXPECT_THAT(ErrorText<UsageError>([&] { (void)FindEnsemble(question, PoolOf(models, one)); }),
                HasSubstr("which belong together by subject"));
  } else {
    EXPECT_THAT(FindEnsemble(question, PoolOf(models, one)).notes,
                Contains("too few groups (subject) for a holdout part"));
  }
}

TEST(Groups, AreDrawnAsAWholeForTheInterval) {
  const auto models =
      PlantPool({.models = 2, .videos = 30, .classes = 30, .list_length = 25, .step = 0.05}, 5);
  const auto& a = models[0].predictions.videos;
  const auto& b = models[1].predictions.videos;
  // Groups of 1, 2, 3, ... videos.
  Grouping grouping;
  for (std::uint32_t group = 0; grouping.of_video.size() < a.size(); ++group) {
    for (std::uint32_t i = 0; i <= group && grouping.of_video.size() < a.size(); ++i) {
      grouping.of_video.push_back(group);
    }
    grouping.groups = group + 1;
  }
  std::mt19937_64 random(20);
  std::vector<double> gains;
  for (int r = 0; r < 41; ++r) {
    Predictions drawn_a;
    Predictions drawn_b;
    for (std::size_t i = 0; i < grouping.groups; ++i) {
      const std::size_t group = random() % grouping.groups;
      for (std::size_t v = 0; v < a.size(); ++v) {
        if (grouping.of_video[v] != group) continue;
        drawn_a.videos.push_back(a[v]);
        drawn_b.videos.push_back(b[v]);
      }
    }
    gains.push_back(ScoreOf(drawn_a).gap - ScoreOf(drawn_b).gap);
  }
  std::sort(gains.begin(), gains.end());
  const Interval interval = BootstrapGapGain(a, b, grouping, 41);
  EXPECT_NEAR(interval.low, gains[1], 1e-12);
  EXPECT_NEAR(interval.high, gains[39], 1e-12);
}

/// Two models that are equally good: one is better on some subjects, the other on others.
struct TwoModels {
  std::vector<VideoPrediction> a, b;
  Grouping grouping;
};

TwoModels PlantSubjects(std::mt19937_64& random, std::size_t subjects, std::size_t videos) {
  const auto normal = [&random] {
    const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::acos(-1.0) * uniform());
  };
  TwoModels planted;
  planted.grouping.groups = subjects;
  for (std::size_t s = 0; s < subjects; ++s) {
    const double of_a = 1.5 * normal(), of_b = 1.5 * normal();
    for (std::size_t v = 0; v < videos; ++v) {
      planted.grouping.of_video.push_back(static_cast<std::uint32_t>(s));
      const double easy = normal();
      const auto video = [&](double skill) {
        VideoPrediction list{.id = std::to_string(s) + "-" + std::to_string(v), .labels = {0}};
        for (int c = 0; c < 3; ++c) {
          const double logit = c == 0 ? 0.5 + easy + skill : normal();
          list.top.push_back({c, 1 / (1 + std::exp(-logit))});
        }
        std::ranges::sort(list.top, RanksBefore<ScoredLabelDouble>);
        return list;
      };
      planted.a.push_back(video(of_a));
      planted.b.push_back(video(of_b));
    }
  }
  return planted;
}

TEST(Groups, TheIntervalOfVideosIsTooNarrowWhereVideosOfASubjectAreAlike) {
  constexpr int kDraws = 200;
  std::mt19937_64 random(3);
  int by_videos = 0, by_groups = 0;
  for (int i = 0; i < kDraws; ++i) {
    const TwoModels planted = PlantSubjects(random, 40, 6);
    Grouping alone{.of_video = std::vector<std::uint32_t>(planted.a.size()),
                   .groups = planted.a.size()};
    std::iota(alone.of_video.begin(), alone.of_video.end(), 0U);
    // The models are drawn alike: their difference is 0.
    const auto holds_0 = [](const Interval& interval) {
      return interval.low <= 0 && interval.high >= 0 ? 1 : 0;
    };
    by_videos += holds_0(BootstrapGapGain(planted.a, planted.b, alone, 200));
    by_groups += holds_0(BootstrapGapGain(planted.a, planted.b, planted.grouping, 200));
  }
  RecordProperty("by_videos", by_videos);
  RecordProperty("by_groups", by_groups);
  EXPECT_GE(by_groups, kDraws * 90 / 100) << "of 95 % intervals";
  EXPECT_LE(by_groups, kDraws * 99 / 100);
  EXPECT_LE(by_videos, kDraws * 80 / 100) << "if this holds, nothing was planted";
}

}  // namespace groups_test
}  // namespace beamgrid
