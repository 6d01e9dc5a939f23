#include "search/ensemble/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace why_test {

using testing::IsEmpty;

PoolQuestion Planted(std::uint32_t seed = 1) {
  PoolQuestion question(
      PlantPool({.models = 4, .videos = 60, .classes = 20, .list_length = 12}, seed));
  question.members = 3;
  question.beam_width = 2;
  question.weights = Weighting::kUniform;
  question.holdout = 0.4;
  question.bootstrap = 50;
  question.why = true;
  return question;
}

const Predictions& Of(const PoolQuestion& question, const std::string& name) {
  return std::ranges::find(question.models, name, &EnsembleModel::name)->predictions;
}

TEST(ExplainEnsemble, SaysWhatGoesWithEachMember) {
  const PoolQuestion question = Planted();
  const EnsembleAnswer answer = FindEnsemble(question);
  ASSERT_GT(answer.members.size(), 1U);
  ASSERT_EQ(answer.why->members.size(), answer.members.size());
  for (const EnsembleWhy::Member& left_out : answer.why->members) {
    for (const bool held_out : {false, true}) {
      std::vector<Predictions> parts;
      for (const EnsembleAnswer::Member& member : answer.members) {
        if (member.name == left_out.name) continue;
        Predictions& part = parts.emplace_back(Of(question, member.name));
        std::erase_if(part.videos, [&](const VideoPrediction& video) {
          return InHoldout(video.id, question.holdout) != held_out;
        });
      }
      std::vector<const Predictions*> members;
      for (const Predictions& part : parts) members.push_back(&part);
      const double without = ScoreOf(Combine(members, std::vector<double>(members.size(), 1),
                                             question.combine, question.missing, kGapTop))
                                 .gap;
      const double with = held_out ? answer.holdout->gap : answer.selection_gap;
      EXPECT_NEAR((held_out ? left_out.holdout_loss : left_out.loss).value(), with - without, 1e-12)
          << left_out.name;
    }
  }
}

TEST(ExplainEnsemble, SaysHowAlikeMembersAre) {
  // b is a copy of a with another confidence, c says the opposite of a.
  PoolQuestion question;
  question.combine = ScoreDomain::kProbabilities;
  question.why = true;
  question.given = {"a", "b", "c"};
  for (const char* name : {"a", "b", "c"}) {
    EnsembleModel model{.name = name, .size_bytes = 1};
    for (int v = 0; v < 6; ++v) {
      const double x = 0.5 + 0.05 * (v + 1);
      std::vector<ScoredLabelDouble> top = {{0, x}, {1, 1 - x}};
      if (*name == 'b') top = {{0, 0.5 + (x - 0.5) / 2}, {1, 0.5 - (x - 0.5) / 2}};
      if (*name == 'c') top = {{1, x}, {0, 1 - x}};
      model.predictions.videos.push_back({"v" + std::to_string(v), top, {0}});
    }
    question.models.push_back(std::move(model));
  }
  const EnsembleAnswer answer = FindEnsemble(question);
  ASSERT_EQ(answer.why->pairs.size(), 3U);
  EXPECT_EQ(answer.why->pairs[0].first, "a");
  EXPECT_EQ(answer.why->pairs[0].second, "b");
  EXPECT_NEAR(answer.why->pairs[0].correlation, 1, 1e-12);
  EXPECT_EQ(answer.why->pairs[0].disagreement, 0);
  for (const std::size_t opposite : {1, 2}) {
    EXPECT_NEAR(answer.why->pairs[opposite].correlation, -1, 1e-12);
    EXPECT_EQ(answer.why->pairs[opposite].disagreement, 1);
  }
  EXPECT_EQ(answer.why->resamples, 0) << "nothing was chosen";
  EXPECT_THAT(answer.why->choices, IsEmpty());
}

TEST(ExplainEnsemble, SaysHowOftenEachModelIsChosen) {
  // One model is right, the others guess: it is in every resample's ensemble.
  PoolQuestion question = Planted(2);
  for (VideoPrediction& video : question.models[2].predictions.videos) {
    for (ScoredLabelDouble& entry : video.top) {
      const bool right = std::ranges::binary_search(video.labels, entry.label);
      entry.score = right ? 0.999 : 0.001 * entry.score;
    }
    std::ranges::sort(video.top, RanksBefore<ScoredLabelDouble>);
  }
  question.members = 1;
  const EnsembleWhy why = *FindEnsemble(question).why;
  EXPECT_EQ(why.resamples, 100);
  ASSERT_EQ(why.choices.size(), 1U);
  EXPECT_EQ(why.choices[0].name, "model2");
  EXPECT_EQ(why.choices[0].share, 1);
  EXPECT_EQ(why.same_members, 1);
  EXPECT_FALSE(why.members[0].loss) << "nothing is left without it";
  EXPECT_THAT(why.pairs, IsEmpty());

  // Models that are alike take turns.
  const EnsembleAnswer unsure = FindEnsemble(Planted(3));
  EXPECT_LT(unsure.why->same_members, 1);
  double members = 0;
  for (const EnsembleWhy::Choice& choice : unsure.why->choices) members += choice.share;
  EXPECT_GE(members, 1);
  EXPECT_LE(members, 3 + 1e-9);
  EXPECT_EQ(unsure.why->resampled_videos, unsure.selection_videos);
  EXPECT_TRUE(
      std::ranges::is_sorted(unsure.why->choices, std::greater(), &EnsembleWhy::Choice::share));
}

TEST(ExplainEnsemble, IsTheSameEachTimeAndChangesNothing) {
  PoolQuestion question = Planted(4);
  const EnsembleAnswer answer = FindEnsemble(question);
  const auto json_of = [](const EnsembleAnswer& of) {
    return boost::json::serialize(FindingsJson(of));
  };
  EXPECT_EQ(json_of(FindEnsemble(question)), json_of(answer));
  const boost::json::object why = FindingsJson(answer).at("why").as_object();
  EXPECT_NEAR(why.at("shrinkage").as_double(), answer.selection_gap - answer.holdout->gap, 1e-12);
  EXPECT_EQ(why.at("gain_shown").as_bool(), answer.holdout->low > 0);
  question.why = false;
  const EnsembleAnswer plain = FindEnsemble(question);
  EXPECT_EQ(ToJson(plain), ToJson(answer));
  EXPECT_THAT(FindingsJson(plain), IsEmpty());
}

}  // namespace why_test
}  // namespace beamgrid
