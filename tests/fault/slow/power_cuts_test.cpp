// Many power cuts at random moments.

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/fault/outage.h"

namespace beamgrid {
namespace {

using Clock = std::chrono::steady_clock;

TEST(PowerCuts, AtRandomMomentsLoseNothing) {
  constexpr int kCuts = 100;
  constexpr std::uint64_t kSeed = 1;
  FaultyStudy study(FourTrials());
  const auto begin = Clock::now();
  (void)study.Run(FaultyStudy::With::kNoFaults);
  const auto whole = Clock::now() - begin;
  std::mt19937_64 random(kSeed);
  for (int cut = 0; cut < kCuts && !HasFailure(); ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut) + " of seed " + std::to_string(kSeed));
    const auto moment =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(
                           whole * std::uniform_real_distribution<double>(0, 1)(random));
    const auto unsynced = cut % 2 == 0 ? Unsynced::kLost : Unsynced::kKept;
    CutThePower(study, unsynced, [&] { return Clock::now() >= moment; });
  }
}

}  // namespace
}  // namespace beamgrid
