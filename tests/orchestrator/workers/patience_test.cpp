#include "orchestrator/workers/patience.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using Late = Patience::Late;

/// A watcher with a clock of its own.
struct Watcher {
  explicit Watcher(std::chrono::milliseconds period, Late late) : patience(period, late, now) {}
  /// Looks every step for so long; true if the period was over at any of the looks.
  bool WatchFor(std::chrono::milliseconds time) {
    bool over = false;
    for (const auto end = now + time; now < end;) over |= patience.Look(now += patience.Step());
    return over;
  }
  /// Is stopped for so long, and looks at once when it goes on.
  bool SleepFor(std::chrono::milliseconds time) { return patience.Look(now += time); }

  Patience::Time now{1h};
  Patience patience;
};

TEST(Patience, EndsAfterItsPeriod) {
  for (const Late late : {Late::kStartsAnew, Late::kDoesNotCount}) {
    for (const auto period : {20ms, 5'000ms, 60'000ms, 86'400'000ms}) {
      Watcher watcher(period, late);
      EXPECT_FALSE(watcher.WatchFor(period - watcher.patience.Step()));
      EXPECT_TRUE(watcher.WatchFor(watcher.patience.Step()));
    }
  }
}

TEST(Patience, WhereTheWatcherWasStoppedThePeriodBeginsAgain) {
  Watcher watcher(60s, Late::kStartsAnew);
  EXPECT_FALSE(watcher.WatchFor(59s));
  for (const auto stop : {3s, 61s, 36'000s}) {
    EXPECT_FALSE(watcher.SleepFor(stop));
    EXPECT_FALSE(watcher.WatchFor(59s));
  }
  EXPECT_TRUE(watcher.WatchFor(1s));
}

TEST(Patience, ManyShortStopsAddUpToNothing) {
  Watcher watcher(60s, Late::kStartsAnew);
  for (int stop = 0; stop < 1000; ++stop) {
    EXPECT_FALSE(watcher.WatchFor(1s));
    EXPECT_FALSE(watcher.SleepFor(25s));
  }
}

TEST(Patience, TimeInWhichNobodyWatchedDoesNotCount) {
  Watcher watcher(60s, Late::kDoesNotCount);
  EXPECT_FALSE(watcher.WatchFor(30s));
  EXPECT_FALSE(watcher.SleepFor(1h));  // counts as one step, a second
  EXPECT_FALSE(watcher.WatchFor(28s));
  EXPECT_TRUE(watcher.WatchFor(1s));
}

TEST(Patience, ABusyMachineIsALittleLateAndEndsAllTheSame) {
  Watcher watcher(20ms, Late::kStartsAnew);
  EXPECT_TRUE(watcher.SleepFor(90ms));
}

TEST(Patience, ASignOfLifeBeginsThePeriodAgain) {
  Watcher watcher(60s, Late::kStartsAnew);
  EXPECT_FALSE(watcher.WatchFor(59s));
  watcher.patience.StartAnew(watcher.now);
  EXPECT_FALSE(watcher.WatchFor(59s));
  EXPECT_TRUE(watcher.WatchFor(1s));
}

}  // namespace
}  // namespace beamgrid
