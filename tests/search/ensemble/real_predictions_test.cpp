#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/ensemble/models.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/shared_data.h"

namespace beamgrid {
namespace {

/// Nine real models' top-5 lists (shared/data/README.md).
class RealPredictions : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = SharedData();
    const auto folder = shared.value_or("") / "data" / "predictions";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no real predictions at " << folder;
    models_ = EnsembleModels(ReadTruthCsv(folder / "truth.csv"), VideoSet::kCommon);
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const std::string name = file.path().stem().string();
      if (name == "truth" || file.path().extension() != ".csv") continue;
      models_.AddFile(name, std::ssize(name) << 20, ReadPredictionsCsv(file.path()));
      names_.push_back(name);
    }
  }

  [[nodiscard]] EnsembleAnswer Find() const { return FindEnsemble(question_, models_); }

  EnsembleQuestion question_;
  EnsembleModels models_;
  std::vector<std::string> names_;
};

TEST_F(RealPredictions, MeanOfAllNineAndBestSingleAreTheKnownNumbers) {
  ASSERT_EQ(names_.size(), 9U);
  std::vector<Predictions> predictions;
  double best_single = 0;
  for (const std::string& name : names_) {
    predictions.push_back(models_.PredictionsOf(name));
    EXPECT_EQ(predictions.back().videos.size(), 862U);
    best_single = std::max(best_single, ScoreOf(predictions.back()).gap);
  }
  std::vector<const Predictions*> members;
  for (const Predictions& of_model : predictions) members.push_back(&of_model);
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
  const EnsembleAnswer best = Find();
  question_.search = EnsembleSearch::kBeam;
  const EnsembleAnswer beam = Find();
  EXPECT_EQ(NamesOf(beam), NamesOf(best));
  EXPECT_LT(beam.evaluated, best.evaluated);
  EXPECT_LE(best.size_bytes, question_.size_limit);
  EXPECT_GT(best.selection_gap, 0.52);
}

TEST_F(RealPredictions, TheGainHoldsOnVideosThatTheSelectionNeverSaw) {
  question_.holdout = 0.5;
  question_.members = 9;
  const EnsembleAnswer answer = Find();
  ASSERT_TRUE(answer.holdout);
  EXPECT_GT(answer.holdout->low, 0.05) << "the whole interval of the gain is well above nothing";
}

}  // namespace
}  // namespace beamgrid
