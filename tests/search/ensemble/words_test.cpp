#include "search/ensemble/words.h"

#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

template <typename Value, std::size_t size>
std::string Refusal(const Word<Value> (&words)[size], const std::string& setting,
                    const std::string& word) {
  return ErrorText<UsageError>([&] { static_cast<void>(ValueOf(words, setting, word)); });
}

TEST(EnsembleWords, StandForOneValueEach) {
  const auto expect_inverse = [](const auto& words) {
    for (const auto& line : words) {
      EXPECT_EQ(WordFor(words, line.value), line.word);
      EXPECT_EQ(ValueOf(words, "setting", line.word), line.value);
    }
  };
  expect_inverse(kScoreDomains);
  expect_inverse(kWeightings);
  expect_inverse(kEnsembleSearches);
}

TEST(EnsembleWords, RefuseOthersNamingTheKnownOnes) {
  EXPECT_EQ(Refusal(kScoreDomains, "ensemble: combine", "ranks"),
            "ensemble: combine = 'ranks', must be one of logits, probabilities, votes");
  EXPECT_EQ(Refusal(kWeightings, "ensemble: weights", "equal"),
            "ensemble: weights = 'equal', must be one of uniform, gap, learned, auto");
  EXPECT_EQ(Refusal(kEnsembleSearches, "ensemble: search", "annealing"),
            "ensemble: search = 'annealing', must be one of beam, exhaustive, greedy");
  EXPECT_EQ(Refusal(kEnsembleSearches, "--search", "beem"),
            "--search = 'beem', must be one of beam, exhaustive, greedy; did you mean 'beam'?");
}

}  // namespace
}  // namespace beamgrid
