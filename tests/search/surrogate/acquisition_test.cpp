// What is asked for next, against a look at every model one by one.
#include "search/surrogate/acquisition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace beamgrid {
namespace {

/// A process of `parts` parts of four levels that has seen models drawn at random.
class AcquisitionTest : public testing::Test {
 protected:
  void Learn(std::size_t parts, std::size_t count) {
    std::vector<Part> all;
    for (std::size_t i = 0; i < parts; ++i) all.push_back(PlainPart("p", 4));
    surrogate_.emplace(all);
    std::vector<Observation> observations;
    for (std::size_t i = 0; i < count; ++i) {
      Levels model;
      double score = 0;
      for (std::size_t p = 0; p < parts; ++p) {
        model.push_back(dice_.Roll(4));
        score += static_cast<double>((model[p] * (static_cast<std::int64_t>(p) + 3)) % 5);
      }
      if (!tried_.insert(model).second) continue;
      observations.push_back({model, score});
      best_ = std::max(best_, score);
    }
    surrogate_->Fit(observations);
    for (std::int64_t code = 0; code < std::int64_t{1} << (2 * parts); ++code) {
      Levels model;
      for (std::size_t p = 0; p < parts; ++p) model.push_back((code >> (2 * p)) & 3);
      models_.push_back(std::move(model));
    }
  }

  [[nodiscard]] bool IsOpen(const Levels& model) const {
    return !tried_.contains(model) && model[0] != 2;
  }

  /// The largest gain of any open model, each predicted by itself.
  [[nodiscard]] double SlowGain() const {
    double highest = -1;
    for (const Levels& model : models_) {
      if (!IsOpen(model)) continue;
      highest = std::max(highest, ExpectedGain(surrogate_->Predict(model), best_));
    }
    return highest;
  }

  [[nodiscard]] double GainOf(const Levels& model) const {
    return ExpectedGain(surrogate_->Predict(model), best_);
  }

  Dice dice_{5};
  std::optional<Surrogate> surrogate_;
  std::set<Levels> tried_;
  std::vector<Levels> models_;
  double best_ = 0;
};

TEST_F(AcquisitionTest, OfAListIsTheOpenModelWithTheLargestGain) {
  Learn(4, 20);
  const auto is_open = [this](const Levels& model) { return IsOpen(model); };
  const auto found = MostGainOfAll(*surrogate_, models_, Pool(4, models_), best_, is_open);
  ASSERT_TRUE(found);
  EXPECT_TRUE(IsOpen(*found));
  EXPECT_NEAR(GainOf(*found), SlowGain(), 1e-9);
  EXPECT_FALSE(MostGainOfAll(*surrogate_, models_, Pool(4, models_), best_,
                             [](const Levels&) { return false; }));
}

TEST_F(AcquisitionTest, OfAWalkIsWhatALookAtAllWouldFind) {
  Learn(6, 40);
  const auto is_open = [this](const Levels& model) { return IsOpen(model); };
  const std::vector<Levels> tried(tried_.begin(), tried_.end());
  const auto found = MostGainNearby(*surrogate_, tried, dice_, best_, is_open);
  ASSERT_TRUE(found);
  EXPECT_TRUE(IsOpen(*found));
  EXPECT_NEAR(GainOf(*found), SlowGain(), 1e-9);
  EXPECT_FALSE(
      MostGainNearby(*surrogate_, tried, dice_, best_, [](const Levels&) { return false; }));
}

TEST_F(AcquisitionTest, WalkFindsTheOnlyOpenModelNextToOneThatWasTried) {
  Learn(6, 40);
  const std::vector<Levels> tried(tried_.begin(), tried_.end());
  Levels only = tried.front();
  only[3] = (only[3] + 1) % 4;
  const auto is_only = [&only](const Levels& model) { return model == only; };
  // The walk begins at the best five: make this one of them.
  EXPECT_EQ(MostGainNearby(*surrogate_, {tried.front()}, dice_, best_, is_only), only);
}

}  // namespace
}  // namespace beamgrid
