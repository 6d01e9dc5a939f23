// Racing of seeds on planted scores: who gets further seeds, and what the strategy is told.
#include "search/seed_race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/search/strategy_test_support.h"

namespace beamgrid {
namespace seed_race_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSix = "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6]\n";

double Experts(const Candidate& candidate) {
  return candidate.model.parts.at("classifier").options.at("experts").to_number<double>();
}

/// The noise of a seed: +-1, +-1/2, ..., the same for all models.
double Noise(std::size_t seed) { return (seed % 2 == 0 ? 1.0 : -1.0) / std::pow(2, seed / 2); }

PlantedScore Spread(double per_expert, double noise) {
  return [=](const Candidate& candidate, std::size_t seed) {
    return 0.5 + per_expert * Experts(candidate) + noise * Noise(seed);
  };
}

std::size_t SeedsOf(const PlantedSearch& search, const std::string& name) {
  const auto seeds = search.seeds_of.find(name);
  return seeds == search.seeds_of.end() ? 0 : seeds->second.size();
}

TEST(SeedRace, GivesFurtherSeedsOnlyToThoseThatMayBeTheBest) {
  PlantedSearch search(kSix, "{ min = 2, max = 6 }");
  // The best two are 0.001 apart, the others 0.1 and more below; seeds differ by 0.002.
  const auto score = [](const Candidate& candidate, std::size_t seed) {
    const double experts = Experts(candidate);
    const double worth = experts == 6 ? 0.9 : experts == 5 ? 0.899 : 0.1 * experts;
    return std::optional<double>(worth + 0.001 * Noise(seed));
  };
  search.Run(score);
  for (const char* name : {"MC-Mean-MoE1", "MC-Mean-MoE2", "MC-Mean-MoE3", "MC-Mean-MoE4"}) {
    EXPECT_EQ(SeedsOf(search, name), 2U) << name;
  }
  EXPECT_GT(SeedsOf(search, "MC-Mean-MoE5"), 2U);
  EXPECT_GT(SeedsOf(search, "MC-Mean-MoE6"), 2U);
  for (const auto& [name, seeds] : search.seeds_of) {
    for (const auto& [seed, times] : seeds) EXPECT_EQ(times, 1) << name << " " << seed;
  }
}

TEST(SeedRace, StopsWhereOneIsLeft) {
  PlantedSearch search(kSix, "{ min = 2, max = 6 }");
  search.Run(Spread(0.1, 1e-6));
  EXPECT_EQ(search.trials, 12);
  EXPECT_THAT(search->Decisions(), IsEmpty());
}

TEST(SeedRace, StopsAtTheGreatestNumber) {
  PlantedSearch search(kSix, "{ min = 1, max = 4 }");
  search.Run(Spread(1e-9, 0.1));
  EXPECT_EQ(search.trials, 6 * 4);
  EXPECT_THAT(
      search->Decisions(),
      ElementsAre(HasSubstr("18 further seeds for 6 candidates, to tell them from the best or")));
}

TEST(SeedRace, OfOneSeedEachTheBestFourTellTheSpread) {
  PlantedSearch search(kSix, "{ min = 1, max = 5 }");
  std::vector<Candidate> asked = search.AskAll();
  ASSERT_EQ(asked.size(), 6U);
  for (const Candidate& candidate : asked) search.Tell(candidate, Spread(0.1, 1e-6));
  asked = search.AskAll();
  std::vector<std::string> names;
  for (const Candidate& candidate : asked) {
    names.push_back(candidate.name);
    EXPECT_THAT(candidate.seeds, ElementsAre(1));
    EXPECT_THAT(candidate.why, HasSubstr("to learn how far seeds differ"));
  }
  EXPECT_THAT(names, ElementsAre("MC-Mean-MoE6", "MC-Mean-MoE5", "MC-Mean-MoE4", "MC-Mean-MoE3"));
  for (const Candidate& candidate : asked) search.Tell(candidate, Spread(0.1, 1e-6));
  EXPECT_FALSE(search->Ask());
  EXPECT_TRUE(search->finished());
}

TEST(SeedRace, AFailedSeedTakesTheCandidateOut) {
  PlantedSearch search(kSix, "{ min = 1, max = 4 }");
  search.Run([](const Candidate& candidate, std::size_t seed) -> std::optional<double> {
    if (Experts(candidate) == 6 && seed == 1) return std::nullopt;
    return Spread(1e-9, 0.1)(candidate, seed);
  });
  EXPECT_EQ(SeedsOf(search, "MC-Mean-MoE6"), 2U);
  EXPECT_EQ(SeedsOf(search, "MC-Mean-MoE5"), 4U);
}

TEST(SeedRace, AStageOfGreedyIsDecidedByAllItsSeeds) {
  const std::string grid = kSix +
                           "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = "
                           "\"sum\"\n[search]\nstrategy = \"greedy\"\norder = [\"classifier\", "
                           "\"multimodal\"]\n";
  PlantedSearch search(grid, "{ min = 1, max = 3 }");
  // By its first seed MoE1 would win; over three MoE2 does.
  search.Run([](const Candidate& candidate, std::size_t seed) -> std::optional<double> {
    const double sum = candidate.model.parts.at("multimodal").component == "sum" ? 0.05 : 0;
    if (Experts(candidate) == 1) return sum + (seed == 0 ? 0.60 : 0.40);
    if (Experts(candidate) == 2) return sum + (seed == 0 ? 0.55 : 0.53);
    return sum + 0.01;
  });
  EXPECT_THAT(search->Decisions().front(), HasSubstr("classifier: MoE2 wins with 0.53667"));
  EXPECT_EQ(SeedsOf(search, "MC-Mean-MoE1"), 3U);
  EXPECT_EQ(SeedsOf(search, "MS-Mean-MoE1"), 0U);
}

TEST(SeedRace, WhatAnEarlierStageFoundRacesAgainstTheNewOnes) {
  const std::string grid =
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = "
      "\"gru\"\n[[grid.multimodal]]\nuse = "
      "\"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n[search]\norder = [\"multimodal\", "
      "\"temporal\"]\nstrategy = ";
  // By its first seed the GRU is better than the mean, by more seeds it is not.
  const auto score = [](const Candidate& candidate, std::size_t seed) -> std::optional<double> {
    if (candidate.model.parts.at("multimodal").component == "sum") return 0.2 + 0.001 * Noise(seed);
    if (candidate.model.parts.at("temporal").component == "mean")
      return 0.577 + 0.001 * Noise(seed);
    return seed == 0 ? 0.580 : 0.5;
  };
  for (const char* strategy : {"\"greedy\"\n", "\"beam\"\nwidth = 1\n"}) {
    PlantedSearch search(grid + strategy, "{ min = 1, max = 4 }");
    search.Run(score);
    EXPECT_GE(SeedsOf(search, "MC-GRU-Logistic"), 2U) << strategy;
    EXPECT_GE(SeedsOf(search, "MC-Mean-Logistic"), 2U) << strategy;
    for (const auto& [name, seeds] : search.seeds_of) {
      for (const auto& [seed, times] : seeds) EXPECT_EQ(times, 1) << name << " " << seed;
    }
    EXPECT_THAT(search->Decisions(), testing::Contains(testing::ContainsRegex(
                                         "best of [0-9] models: MC-Mean-Logistic with 0.57")))
        << strategy;
  }
}

TEST(SeedRace, AsksTheSameWhateverEndsFirst) {
  const std::string greedy = kSix +
                             "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = "
                             "\"lstm\"\n[search]\nstrategy = \"greedy\"\n";
  PlantedSearch first(greedy, "{ min = 1, max = 5 }");
  const auto batches = first.Run(Spread(0.01, 0.02), 1);
  for (unsigned order = 2; order < 20; ++order) {
    PlantedSearch other(greedy, "{ min = 1, max = 5 }");
    EXPECT_EQ(other.Run(Spread(0.01, 0.02), order), batches);
    EXPECT_EQ(other->Decisions(), first->Decisions());
  }
}

/// A strategy that hears of every finding and counts them.
class Learner : public Strategy {
 public:
  Learner(std::vector<Candidate> candidates, std::vector<Finding>* heard)
      : candidates_(std::move(candidates)), heard_(heard) {}
  std::optional<Candidate> Ask() override {
    if (next_ == candidates_.size()) return std::nullopt;
    return candidates_[next_++];
  }
  void Tell(const Finding& finding) override { heard_->push_back(finding); }
  [[nodiscard]] bool finished() const override { return next_ == candidates_.size(); }
  [[nodiscard]] Effort effort() const override { return {}; }
  [[nodiscard]] bool LearnsFromMoreSeeds() const override { return true; }

 private:
  std::vector<Candidate> candidates_;
  std::vector<Finding>* heard_;
  std::size_t next_ = 0;
};

TEST(SeedRace, AStrategyThatLearnsIsToldAtOnceAndAgain) {
  std::vector<Finding> heard;
  const std::vector<Candidate> two = {{"a", ModelSpec()}, {"b", ModelSpec()}};
  SeedRace race(std::make_unique<Learner>(two, &heard), 1, 2);
  const auto tell = [&race](const Candidate& candidate, double score) {
    race.Tell({.name = candidate.name, .model = {}, .objective = score, .scores = {score}});
  };
  const Candidate a = *race.Ask(), b = *race.Ask();
  EXPECT_FALSE(race.Ask());
  tell(b, 0.5);
  tell(a, 0.25);
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].name, "b");
  EXPECT_FALSE(race.finished());
  const Candidate again = *race.Ask();
  EXPECT_EQ(again.name, "b");
  EXPECT_THAT(again.seeds, ElementsAre(1));
  ASSERT_TRUE(race.Ask());
  tell(again, 0.75);
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_EQ(heard[2].objective, 0.625);
  EXPECT_THAT(heard[2].scores, ElementsAre(0.5, 0.75));
  tell(a, 0.25);
  EXPECT_FALSE(race.Ask());
  EXPECT_TRUE(race.finished());
}

}  // namespace seed_race_test
}  // namespace beamgrid
