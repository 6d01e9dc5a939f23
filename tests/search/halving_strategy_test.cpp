// Successive halving on planted curves: who is trained how far, and who is let go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/search/strategy_test_support.h"

namespace beamgrid {
namespace halving_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

/// Nine models: MoE with 1 to 9 experts.
const std::string kNine =
    "[train]\nepochs = 12\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n";
const std::string kHalving = kNine + "[search]\nstrategy = \"halving\"\neta = 3\n";

double Experts(const Candidate& candidate) {
  return candidate.model.parts.at("classifier").options.at("experts").to_number<double>();
}

/// More experts are better at any time.
std::optional<double> Ordered(const Candidate& candidate, std::size_t /*seed*/) {
  return Experts(candidate) / 10;
}

/// The epochs and experts of what is asked for, batch by batch: "3:9,8,7".
std::vector<std::string> Rungs(PlantedSearch& search, const PlantedScore& score, bool backwards) {
  std::vector<std::string> rungs;
  while (!search->finished()) {
    std::vector<Candidate> asked = search.AskAll();
    if (asked.empty()) break;
    std::string text = asked[0].epochs ? std::to_string(*asked[0].epochs) : "end";
    for (const Candidate& candidate : asked) {
      EXPECT_EQ(candidate.epochs, asked[0].epochs);
      text += " " + std::to_string(static_cast<int>(Experts(candidate)));
    }
    rungs.push_back(text);
    if (backwards) std::ranges::reverse(asked);
    for (const Candidate& candidate : asked) search.Tell(candidate, score);
  }
  return rungs;
}

TEST(HalvingStrategy, TrainsOneInEtaOnEtaTimesAsLong) {
  for (const bool backwards : {false, true}) {
    PlantedSearch search(kHalving);
    EXPECT_THAT(Rungs(search, Ordered, backwards),
                ElementsAre("1 1 2 3 4 5 6 7 8 9", "4 9 8 7", "end 9"));
    EXPECT_THAT(
        search->Decisions(),
        ElementsAre("rung 1, epoch 1: 3 of 9 models go on; best: MC-Mean-MoE9 with 0.90000",
                    "rung 2, epoch 4: 1 of 3 models goes on; best: MC-Mean-MoE9 with 0.90000",
                    "rung 3, the end: best of 1 model: MC-Mean-MoE9 with 0.90000"));
    EXPECT_EQ(search->planned(), 9);
  }
}

TEST(HalvingStrategy, SaysWhoWasLetGoAndWhyOnce) {
  PlantedSearch search(kHalving + "min_epochs = 4\n");
  for (const Candidate& candidate : search.AskAll()) {
    EXPECT_EQ(candidate.why, "rung 1: every candidate is trained to epoch 4");
    search.Tell(candidate, Ordered);
  }
  const std::vector<LetGo> let_go = search->TakeLetGo();
  ASSERT_EQ(let_go.size(), 6U);
  EXPECT_EQ(let_go[0].name, "MC-Mean-MoE6");
  EXPECT_EQ(let_go[0].why,
            "it was let go after epoch 4 with 0.60000: place 4 of 9, of which 3 went on");
  EXPECT_THAT(search->TakeLetGo(), IsEmpty());
  const std::vector<Candidate> next = search.AskAll();
  ASSERT_EQ(next.size(), 3U);
  EXPECT_FALSE(next[1].epochs);
  EXPECT_EQ(next[1].why,
            "rung 2: place 2 after epoch 4 has it trained on to the end of its training");
}

TEST(HalvingStrategy, FailuresAreNotPromotedAndTiesGoByName) {
  PlantedSearch search(kHalving);
  const auto score = [](const Candidate& candidate, std::size_t) -> std::optional<double> {
    if (Experts(candidate) == 9) return std::nullopt;
    return Experts(candidate) > 4 ? 0.5 : 0.1;
  };
  EXPECT_THAT(Rungs(search, score, false), ElementsAre("1 1 2 3 4 5 6 7 8 9", "4 5 6 7", "end 5"));
  EXPECT_THAT(search->Decisions().front(),
              AllOf(HasSubstr("3 of 8 models go on; best: "), EndsWith("; 1 failed")));
}

/// Its other seeds would wait for ever.
TEST(HalvingStrategy, AModelOfWhichASeedFailsIsLetGo) {
  PlantedSearch search(kHalving, "[1, 2]");
  const auto score = [](const Candidate& candidate, std::size_t seed) -> std::optional<double> {
    if (Experts(candidate) == 9 && seed == 1) return std::nullopt;
    if (Experts(candidate) == 8) return std::nullopt;
    return Experts(candidate) / 10;
  };
  for (const Candidate& candidate : search.AskAll()) search.Tell(candidate, score);
  const std::vector<LetGo> let_go = search->TakeLetGo();
  // Four of seven that are behind, and the one; of what failed whole nothing waits.
  ASSERT_EQ(let_go.size(), 5U);
  EXPECT_EQ(let_go[0].name, "MC-Mean-MoE9");
  EXPECT_EQ(let_go[0].why, "it was let go after epoch 1: another seed of it failed");
  for (const LetGo& one : let_go) EXPECT_NE(one.name, "MC-Mean-MoE8");
}

TEST(HalvingStrategy, WhatGainsMoreOvertakesFromTheSecondRungOn) {
  const auto model_one_gains = [](double gain) {
    return [gain](const Candidate& candidate, std::size_t) -> std::optional<double> {
      const auto epoch = static_cast<double>(candidate.epochs.value_or(12));
      if (Experts(candidate) == 1) return 0.55 + gain * std::log2(epoch);
      return Experts(candidate) / 10 - (Experts(candidate) > 5 ? 0 : 0.1);
    };
  };
  const std::string recipe = kNine + "[search]\nstrategy = \"halving\"\neta = 2\n";
  PlantedSearch slow(recipe);
  EXPECT_THAT(Rungs(slow, model_one_gains(0.03), false),
              ElementsAre("1 1 2 3 4 5 6 7 8 9", "3 9 8 7 6 1", "6 9 8 7", "end 9 8"));
  // At epoch 3 it has 0.79, less than 0.9 and 0.8, and would have 1.03 at the next rung.
  PlantedSearch fast(recipe);
  EXPECT_THAT(Rungs(fast, model_one_gains(0.15), false),
              ElementsAre("1 1 2 3 4 5 6 7 8 9", "3 9 8 7 6 1", "6 1 9 8", "end 1 9"));
  EXPECT_THAT(fast->Decisions().back(), HasSubstr("best of 2 models: MC-Mean-MoE1"));
  PlantedSearch plain(recipe + "rank = \"score\"\n");
  EXPECT_THAT(Rungs(plain, model_one_gains(0.15), false),
              ElementsAre("1 1 2 3 4 5 6 7 8 9", "3 9 8 7 6 1", "6 9 8 1", "end 1 9"));
}

TEST(HalvingStrategy, ABaselineOfOtherEpochsIsNoneOfItsTrainings) {
  PlantedSearch search(kHalving + "[search.baseline]\ntrain = { epochs = 2 }\n");
  EXPECT_THAT(Rungs(search, Ordered, false),
              ElementsAre("1 1 2 3 4 5 6 7 8 9", "4 9 8 7", "end 9"));
}

TEST(HalvingStrategy, EndsWhereAllFail) {
  PlantedSearch search(kHalving);
  EXPECT_THAT(Rungs(
                  search, [](const Candidate&, std::size_t) { return std::nullopt; }, false),
              ElementsAre("1 1 2 3 4 5 6 7 8 9"));
  EXPECT_TRUE(search->finished());
  EXPECT_THAT(search->Decisions(),
              ElementsAre("rung 1; 9 failed: no model was trained to the end"));
}

TEST(HalvingStrategy, DrawsItsCandidatesFromALargeGrid) {
  const std::string large =
      "[train]\nepochs = 12\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4]\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3, 4, 5]\nlayers = [1, 2, 3]\n"
      "[[exclude]]\nclassifier.experts = 1\n[search]\nstrategy = \"halving\"\ncandidates = 20\n";
  const auto names = [&large](const std::string& seed) {
    PlantedSearch search(large + "seed = " + seed + "\n");
    std::set<std::string> asked;
    for (const Candidate& candidate : search.AskAll()) {
      EXPECT_GT(Experts(candidate), 1);
      asked.insert(candidate.name);
    }
    return asked;
  };
  EXPECT_EQ(names("1").size(), 20U);
  EXPECT_EQ(names("1"), names("1"));
  EXPECT_NE(names("1"), names("2"));
}

TEST(HalvingStrategy, SeedsRaceAtTheEndOnly) {
  PlantedSearch search(kHalving + "min_epochs = 4\n", "{ min = 1, max = 3 }");
  // The seeds differ by more than the models.
  search.Run([](const Candidate& candidate, std::size_t seed) {
    return Experts(candidate) / 1000 + 0.1 * static_cast<double>(seed);
  });
  // 9 to epoch 4, then 3 to the end with all three seeds.
  EXPECT_EQ(search.trials, 9 + 3 * 3);
  EXPECT_THAT(search->Decisions().back(), HasSubstr("6 further seeds for 3 candidates"));
}

}  // namespace halving_test
}  // namespace beamgrid
