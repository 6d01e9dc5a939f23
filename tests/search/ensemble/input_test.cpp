#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "search/ensemble/ensemble.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/shared_data.h"

namespace beamgrid {
namespace {

std::vector<EnsembleModel> TwoFiles() {
  std::vector<EnsembleModel> models = {{.name = "a.csv"}, {.name = "b.csv"}};
  models[0].predictions.videos = {{.id = "y"}, {.id = "x"}, {.id = "other"}};
  models[1].predictions.videos = {{.id = "x"}};
  return models;
}
const Truth kTruth = {{"x", {1}}, {"y", {2, 3}}, {"z", {4}}};

TEST(AlignToTruth, RefusesModelsThatLackVideosOfTheTruth) {
  auto models = TwoFiles();
  try {
    AlignToTruth(models, kTruth, VideoSet::kTruth);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "ensemble: videos of the truth are missing in the predictions:\n"
                 "  'a.csv' lacks 1 of 3, such as 'z'\n"
                 "  'b.csv' lacks 2 of 3, such as 'y'\n"
                 "use --common-videos to restrict all to the videos that every file has");
  }
}

TEST(AlignToTruth, KeepsTheCommonVideosWithTheirLabels) {
  auto models = TwoFiles();
  AlignToTruth(models, kTruth, VideoSet::kCommon);
  for (const auto& model : models) {
    ASSERT_EQ(model.predictions.videos.size(), 1U);
    EXPECT_EQ(model.predictions.videos[0].id, "x");
    EXPECT_EQ(model.predictions.videos[0].labels, std::vector<std::int32_t>{1});
  }
}

TEST(AlignToTruth, SortsByIdAndDropsVideosBeyondTheTruth) {
  auto models = TwoFiles();
  models.pop_back();
  AlignToTruth(models, {{"x", {1}}, {"y", {2}}}, VideoSet::kTruth);
  ASSERT_EQ(models[0].predictions.videos.size(), 2U);
  EXPECT_EQ(models[0].predictions.videos[0].id, "x");
  EXPECT_EQ(models[0].predictions.videos[1].labels, std::vector<std::int32_t>{2});
}

TEST(AlignToTruth, RefusesFilesWithoutACommonVideo) {
  auto models = TwoFiles();
  EXPECT_THROW(AlignToTruth(models, {{"elsewhere", {1}}}, VideoSet::kCommon), UsageError);
}

/// Nine real models' top-5 lists (shared/data/README.md).
class RealPredictions : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = SharedData();
    const auto folder = shared.value_or("") / "data" / "predictions";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no real predictions at " << folder;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const std::string name = file.path().stem().string();
      if (name == "truth" || file.path().extension() != ".csv") continue;
      question_.models.push_back({.name = name,
                                  .size_bytes = std::ssize(name) << 20,
                                  .predictions = ReadPredictionsCsv(file.path())});
    }
    AlignToTruth(question_.models, ReadTruthCsv(folder / "truth.csv"), VideoSet::kCommon);
  }

  EnsembleQuestion question_;
};

TEST_F(RealPredictions, MeanOfAllNineAndBestSingleAreTheKnownNumbers) {
  ASSERT_EQ(question_.models.size(), 9U);
  std::vector<const Predictions*> members;
  double best_single = 0;
  for (const auto& model : question_.models) {
    EXPECT_EQ(model.predictions.videos.size(), 862U);
    members.push_back(&model.predictions);
    best_single = std::max(best_single, ScoreOf(model.predictions).gap);
  }
  const Predictions mean = Combine(members, std::vector<double>(9, 1.0),
                                   ScoreDomain::kProbabilities, Missing::kZero, kGapTop);
  EXPECT_NEAR(ScoreOf(mean).gap, 0.506, 0.0005);
  // Many of its confidences are 1: their order alone moves its GAP between 0.400 and 0.406.
  EXPECT_NEAR(best_single, 0.403, 0.003);
}

TEST_F(RealPredictions, BeamFindsTheBestOfAllSubsetsWithinTheLimit) {
  question_.weights = Weighting::kUniform;
  question_.members = 9;
  question_.size_limit = 90LL << 20;
  question_.search = EnsembleSearch::kExhaustive;
  const EnsembleAnswer best = FindEnsemble(question_);
  question_.search = EnsembleSearch::kBeam;
  const EnsembleAnswer beam = FindEnsemble(question_);
  EXPECT_EQ(NamesOf(beam), NamesOf(best));
  EXPECT_LT(beam.evaluated, best.evaluated);
  EXPECT_LE(best.size_bytes, question_.size_limit);
  EXPECT_GT(best.selection_gap, 0.52);
}

TEST_F(RealPredictions, TheGainHoldsOnVideosThatTheSelectionNeverSaw) {
  question_.holdout = 0.5;
  question_.members = 9;
  const EnsembleAnswer answer = FindEnsemble(question_);
  ASSERT_TRUE(answer.holdout);
  EXPECT_GT(answer.holdout->low, 0.05) << "the whole interval of the gain is well above nothing";
}

}  // namespace
}  // namespace beamgrid
