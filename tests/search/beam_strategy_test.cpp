// Beam search on planted scores: which models each stage asks for, and what stays in the beam.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/strategy_test_support.h"

namespace beamgrid {
namespace beam_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

const std::string kGrid =
    "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n"
    "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n"
    "[[grid.temporal]]\nuse = \"mean\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n";
const std::string kBeam = kGrid + "[search]\nstrategy = \"beam\"\n";

/// The temporal part lstm is worth nothing by itself and most beside sum; a search that keeps one
/// choice never sees it.
std::optional<double> Crossed(const Candidate& candidate, std::size_t /*seed*/) {
  const auto part = [&](const char* criterion) {
    return candidate.model.parts.at(criterion).component;
  };
  double score = part("temporal") == "gru" ? 0.3 : part("temporal") == "lstm" ? 0.2 : 0.0;
  if (part("multimodal") == "sum") score += part("temporal") == "lstm" ? 0.5 : -0.1;
  if (candidate.model.parts.at("classifier").options.at("experts") == 4) score += 0.05;
  return score;
}

TEST(BeamStrategy, KeepsThePartialChoicesThatOneChoiceWouldLose) {
  const std::string order = "order = [\"temporal\", \"multimodal\", \"classifier\"]\n";
  PlantedSearch search(kBeam + "width = 2\n" + order);
  EXPECT_THAT(search.Run(Crossed),
              ElementsAre(UnorderedElementsAre("MC-GRU-MoE2", "MC-LSTM-MoE2", "MC-Mean-MoE2"),
                          UnorderedElementsAre("MS-GRU-MoE2", "MS-LSTM-MoE2"),
                          UnorderedElementsAre("MS-LSTM-MoE4", "MC-GRU-MoE4")));
  EXPECT_THAT(search->Decisions(),
              ElementsAre("temporal: kept 2 models of 3: MC-GRU-MoE2 0.30000, MC-LSTM-MoE2 0.20000",
                          "multimodal: kept 2 models of 4: MS-LSTM-MoE2 0.70000, MC-GRU-MoE2 "
                          "0.30000",
                          "classifier: kept 2 models of 4: MS-LSTM-MoE4 0.75000, MS-LSTM-MoE2 "
                          "0.70000",
                          "best of 7 models: MS-LSTM-MoE4 with 0.75000"));
  PlantedSearch narrow(kBeam + "width = 1\n" + order);
  narrow.Run(Crossed);
  EXPECT_THAT(narrow->Decisions().back(), HasSubstr("MC-GRU-MoE4 with 0.35"));
}

TEST(BeamStrategy, AWidthOfOneAsksWhatGreedyAsks) {
  PlantedSearch beam(kBeam + "width = 1\n");
  PlantedSearch greedy(kGrid + "[search]\nstrategy = \"greedy\"\n");
  EXPECT_EQ(beam.Run(Crossed), greedy.Run(Crossed));
}

TEST(BeamStrategy, AsksTheSameWhateverEndsFirst) {
  PlantedSearch first(kBeam);
  const auto batches = first.Run(Crossed, 1);
  for (unsigned order = 2; order < 20; ++order) {
    PlantedSearch other(kBeam);
    EXPECT_EQ(other.Run(Crossed, order), batches);
    EXPECT_EQ(other->Decisions(), first->Decisions());
  }
}

TEST(BeamStrategy, AWideBeamIsTheGrid) {
  PlantedSearch search(kBeam + "width = 1000\n");
  search.Run(Crossed);
  EXPECT_EQ(search.trials, 12);
  EXPECT_EQ(search->planned(), 12);
}

TEST(BeamStrategy, FailuresAndExclusionsNarrowTheBeam) {
  PlantedSearch search(kBeam +
                       "order = [\"temporal\", \"multimodal\"]\n[[exclude]]\ntemporal = "
                       "\"mean\"\n[[exclude]]\nmultimodal = \"sum\"\ntemporal = \"gru\"\n");
  const auto lstm_fails = [](const Candidate& candidate, std::size_t seed) {
    if (candidate.model.parts.at("temporal").component == "lstm") return std::optional<double>();
    return Crossed(candidate, seed);
  };
  EXPECT_THAT(search.Run(lstm_fails),
              ElementsAre(UnorderedElementsAre("MC-GRU-MoE2", "MC-LSTM-MoE2")));
  EXPECT_THAT(search->Decisions(),
              ElementsAre("temporal: kept 1 model of 2: MC-GRU-MoE2 0.30000; 1 failed; 1 excluded",
                          "multimodal: kept 1 model of 1: MC-GRU-MoE2 0.30000; 1 excluded",
                          "best of 1 model: MC-GRU-MoE2 with 0.30000; 1 failed"));
}

TEST(BeamStrategy, EndsWhereAllFail) {
  PlantedSearch search(kBeam);
  search.Run([](const Candidate&, std::size_t) { return std::nullopt; });
  EXPECT_THAT(search->Decisions(),
              IsSupersetOf({"multimodal: all of 2 candidates failed; the beam stays as it is",
                            "no model was trained to the end: 5 failed"}));
}

TEST(BeamStrategy, OneModelIsTheBaseline) {
  PlantedSearch search("[search]\nstrategy = \"beam\"\n");
  EXPECT_THAT(search.Run([](const Candidate&, std::size_t) { return 0.5; }),
              ElementsAre(ElementsAre("MC-Mean-Logistic")));
}

TEST(BeamStrategy, SaysWhyItAsks) {
  PlantedSearch search(kBeam + "order = [\"temporal\", \"multimodal\"]\n");
  const std::vector<Candidate> first = search.AskAll();
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[1].why, "stage 1 of 2 varies temporal around MC-GRU-MoE2, the baseline");
  for (const Candidate& candidate : first) search.Tell(candidate, Crossed);
  const std::vector<Candidate> second = search.AskAll();
  ASSERT_EQ(second.size(), 3U);
  EXPECT_EQ(second[1].why,
            "stage 2 of 2 varies multimodal around MC-LSTM-MoE2, place 2 of the beam");
}

}  // namespace beam_test
}  // namespace beamgrid
