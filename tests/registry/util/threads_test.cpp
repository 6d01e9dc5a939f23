#include "registry/util/threads.h"

#include <gtest/gtest.h>
#include <sched.h>

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

TEST(TakeInOrder, TakesAllInOrderAndMakesNoMoreAheadThanIsSaid) {
  for (const int ahead : {1, 2, 5, 100}) {
    for (const std::size_t count : {0, 1, 2, 50}) {
      std::atomic<std::size_t> made = 0;
      std::vector<std::size_t> taken;
      TakeInOrder(
          ahead, count,
          [&](std::size_t i) {
            ++made;
            return i * i;
          },
          [&](std::size_t i, std::size_t square) {
            EXPECT_EQ(square, i * i);
            taken.push_back(i);
            EXPECT_LE(made, taken.size() + static_cast<std::size_t>(ahead));
          });
      EXPECT_EQ(made, count);
      ASSERT_EQ(taken.size(), count);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(taken[i], i);
    }
  }
}

TEST(UsableThreads, AreThoseOfTheCoresThatTheProcessIsHeldTo) {
  cpu_set_t all, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(UsableThreads(), CPU_COUNT(&all));
  std::size_t first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(UsableThreads(), 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
}

TEST(TakeInOrder, PassesOnTheFirstExceptionInOrder) {
  std::vector<std::size_t> taken;
  std::atomic<bool> later_has_failed = false;
  const auto run = [&] {
    TakeInOrder(
        3, 20,
        [&](std::size_t i) {
          if (i == 8) {
            later_has_failed = true;
            later_has_failed.notify_all();
            throw std::runtime_error("eight");
          }
          if (i == 6) {
            later_has_failed.wait(false);
            throw std::runtime_error("six");
          }
          return i;
        },
        [&](std::size_t i, std::size_t) { taken.push_back(i); });
  };
  try {
    run();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "six");
  }
  EXPECT_EQ(taken.size(), 6);
}

}  // namespace
}  // namespace beamgrid
