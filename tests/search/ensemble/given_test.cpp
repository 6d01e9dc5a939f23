// Ensembles whose members, and whose weights, are given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "search/ensemble/ensemble.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace given_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

PoolQuestion Planted() {
  return PoolQuestion(PlantPool({.models = 5, .videos = 120, .classes = 25, .list_length = 15}, 1));
}

std::string Refusal(const PoolQuestion& question) {
  try {
    (void)FindEnsemble(question);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

double WeightOf(const EnsembleAnswer& answer, const std::string& name) {
  for (const auto& member : answer.members) {
    if (member.name == name) return member.weight;
  }
  return -1;
}

TEST(GivenEnsemble, HasItsMembersAndWeights) {
  PoolQuestion question = Planted();
  question.given = {"model4", "model1", "model0"};
  question.given_weights = {2, 1, 1};
  const EnsembleAnswer answer = FindEnsemble(question);
  EXPECT_THAT(NamesOf(answer), ElementsAre("model0", "model1", "model4"));
  EXPECT_DOUBLE_EQ(WeightOf(answer, "model4"), 0.5);
  EXPECT_DOUBLE_EQ(WeightOf(answer, "model0"), 0.25);
  EXPECT_EQ(answer.size_bytes, question.models[0].size_bytes + question.models[1].size_bytes +
                                   question.models[4].size_bytes);
  EXPECT_THAT(answer.notes, Contains("the members and their weights are given"));
  EXPECT_EQ(ToJson(answer).at("weights_used"), "given");
  const Predictions combined =
      Combine({&question.models[0].predictions, &question.models[1].predictions,
               &question.models[4].predictions},
              {0.25, 0.25, 0.5}, question.combine, question.missing, 20);
  EXPECT_NEAR(answer.selection_gap, ScoreOf(combined).gap, 1e-12);
}

// Zhao 2017: the scores of LR and LSTM, weighted by their GAP.
TEST(GivenEnsemble, WithoutWeightsIsWeighedAsAsked) {
  PoolQuestion question = Planted();
  question.given = {"model2", "model3"};
  question.combine = ScoreDomain::kProbabilities;
  question.weights = Weighting::kGap;
  const EnsembleAnswer answer = FindEnsemble(question);
  const double second = ScoreOf(question.models[2].predictions).gap;
  const double third = ScoreOf(question.models[3].predictions).gap;
  EXPECT_NEAR(WeightOf(answer, "model2"), second / (second + third), 1e-12);
  EXPECT_NEAR(WeightOf(answer, "model3"), third / (second + third), 1e-12);
  EXPECT_THAT(answer.notes, Contains("the members are given, none was searched for"));
}

TEST(GivenEnsemble, CanBeOneModel) {
  PoolQuestion question = Planted();
  question.given = {"model3"};
  const EnsembleAnswer answer = FindEnsemble(question);
  EXPECT_THAT(NamesOf(answer), ElementsAre("model3"));
  EXPECT_NEAR(answer.selection_gap, ScoreOf(question.models[3].predictions).gap, 1e-12);
}

TEST(GivenEnsemble, KnowsMembersWithoutTheirOnlySeed) {
  PoolQuestion question = Planted();
  for (EnsembleModel& model : question.models) model.name += "/s1";
  question.models[2].name = "model1/s2";
  question.given = {"model0", "model1/s2"};
  EXPECT_THAT(NamesOf(FindEnsemble(question)), ElementsAre("model0/s1", "model1/s2"));
  question.given = {"model1"};
  EXPECT_THAT(Refusal(question),
              HasSubstr("the given member 'model1' is model1/s1, model1/s2; name one of them"));
}

TEST(GivenEnsemble, SaysWhereItIsLargerThanTheLimit) {
  PoolQuestion question = Planted();
  question.given = {"model0", "model1", "model2"};
  question.size_limit = 250;
  EXPECT_THAT(FindEnsemble(question).notes,
              Contains("the given members are larger than the limit together"));
  question.members = 2;
  EXPECT_THAT(FindEnsemble(question).notes,
              Contains("3 members are given, more than the limit of 2"));
  question.members = 3;
  EXPECT_THAT(FindEnsemble(question).notes, Not(Contains(HasSubstr("more than the limit"))));
}

TEST(GivenEnsemble, RefusesWhatCannotBe) {
  PoolQuestion question = Planted();
  question.given = {"model9"};
  EXPECT_THAT(Refusal(question), HasSubstr("there is no model 'model9' within the size limit; "
                                           "there are model0, model1"));
  question.given = {"model0", "model0"};
  EXPECT_THAT(Refusal(question), HasSubstr("the member 'model0' is given twice"));
  question.given = {"model0", "model1"};
  question.given_weights = {1};
  EXPECT_THAT(Refusal(question), HasSubstr("1 weights are given for 2 members"));
  question.given_weights = {1, -1};
  EXPECT_THAT(Refusal(question), HasSubstr("must be a number that is not negative"));
  question.given_weights = {0, 0};
  EXPECT_THAT(Refusal(question), HasSubstr("all given weights are 0"));
}

// ---- Votes --------------------------------------------------------------------------------------

TEST(Votes, AreTheShareOfMembersThatSayYes) {
  const auto of = [](std::vector<ScoredLabelDouble> top) {
    Predictions predictions{.classes = 5, .top_k = 3};
    predictions.videos = {{.id = "v", .top = std::move(top), .labels = {1}}};
    return predictions;
  };
  const Predictions a = of({{1, 0.9}, {2, 0.5}, {3, 0.4}}), b = of({{2, 0.8}, {1, 0.6}, {4, 0.49}}),
                    c = of({{3, 0.7}, {1, 0.51}, {0, 0.5}});
  for (const Missing missing : {Missing::kZero, Missing::kLastOfList}) {
    const auto top =
        Combine({&a, &b, &c}, {1, 1, 1}, ScoreDomain::kVotes, missing, 10).videos[0].top;
    ASSERT_EQ(top.size(), 5U);
    EXPECT_EQ(top[0].label, 1);
    EXPECT_DOUBLE_EQ(top[0].score, 1);
    EXPECT_EQ(top[1].label, 2);
    EXPECT_NEAR(top[1].score, 2.0 / 3, 1e-12);
    EXPECT_EQ(top[2].label, 0);
    EXPECT_NEAR(top[2].score, 1.0 / 3, 1e-12);
    EXPECT_EQ(top[3].label, 3);
    EXPECT_EQ(top[4].label, 4);
    EXPECT_EQ(top[4].score, 0);
  }
}

TEST(Votes, AreSearchedAsTheyAreCombined) {
  PoolQuestion question = Planted();
  question.combine = ScoreDomain::kVotes;
  question.weights = Weighting::kUniform;
  question.members = 3;
  const EnsembleAnswer answer = FindEnsemble(question);
  std::vector<const Predictions*> members;
  for (const EnsembleModel& model : question.models) {
    if (WeightOf(answer, model.name) >= 0) members.push_back(&model.predictions);
  }
  const Predictions combined = Combine(members, std::vector<double>(members.size(), 1.0),
                                       question.combine, question.missing, 20);
  EXPECT_NEAR(answer.selection_gap, ScoreOf(combined).gap, 1e-12);
}

}  // namespace given_test
}  // namespace beamgrid
