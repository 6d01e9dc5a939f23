#include "registry/util/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace beamgrid {
namespace {

TEST(ForEachOnThreads, CarriesOutEachPieceOnce) {
  for (const int threads : {1, 2, 3, 7, 100}) {
    for (const std::size_t count : {0, 1, 2, 50}) {
      std::vector<std::atomic<int>> times(count);
      ForEachOnThreads(threads, count, [&](std::size_t i) { ++times[i]; });
      for (const auto& of_piece : times) EXPECT_EQ(of_piece, 1);
    }
  }
}

TEST(ForEachOnThreads, PassesOnWhatAPieceThrows) {
  for (const int threads : {1, 3}) {
    const auto run = [&] {
      ForEachOnThreads(threads, 20, [](std::size_t i) {
        if (i == 7) throw std::runtime_error("seven");
      });
    };
    EXPECT_THROW(run(), std::runtime_error) << threads;
  }
}

TEST(ForEachOnThreads, BeginsNothingAfterAFailure) {
  std::atomic<int> begun = 0;
  EXPECT_THROW(ForEachOnThreads(1, 20,
                                [&](std::size_t) {
                                  ++begun;
                                  throw std::runtime_error("no");
                                }),
               std::runtime_error);
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace beamgrid
