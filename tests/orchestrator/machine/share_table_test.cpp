#include "orchestrator/machine/share_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kDevice[] = "cpu";

/// A table, its time, and who lives.
class Machine {
 public:
  explicit Machine(std::int64_t capacity) : capacity_(capacity) { Pass(0); }

  std::int64_t Take(const std::string& id, std::int64_t priority = 1, std::int64_t units = 1,
                    std::int64_t capacity = 0) {
    return table_.Take({.id = id, .study = id, .priority = priority}, kDevice,
                       capacity > 0 ? capacity : capacity_, units);
  }
  void GiveBack(const std::string& id, std::int64_t units = 1) {
    table_.SetHeld({.id = id}, kDevice, capacity_, Held(id) - units);
  }
  void StopWaiting(const std::string& id) { table_.StopWaiting(id, kDevice); }
  void Pass(double seconds) {
    now_ += seconds;
    table_.Advance(now_, [this](const std::string& id) { return !dead_.contains(id); });
  }
  void Kill(const std::string& id) { dead_.insert(id); }

  std::int64_t Held(const std::string& id) const {
    const ShareClaim* claim = Find(id);
    return claim == nullptr ? 0 : claim->held;
  }
  bool Waits(const std::string& id) const {
    const ShareClaim* claim = Find(id);
    return claim != nullptr && claim->wanted > 0;
  }
  std::int64_t Used() const {
    std::int64_t used = 0;
    for (const ShareClaim& claim : table_.claims()) used += claim.held;
    return used;
  }
  ShareTable& table() { return table_; }

 private:
  const ShareClaim* Find(const std::string& id) const {
    const auto found = std::ranges::find_if(
        table_.claims(), [&](const ShareClaim& claim) { return claim.owner.id == id; });
    return found == table_.claims().end() ? nullptr : &*found;
  }

  std::int64_t capacity_;
  double now_ = 1000;
  std::set<std::string> dead_;
  ShareTable table_;
};

TEST(ShareTableTest, GivesAllToOneAndNoMoreThanThereIs) {
  Machine machine(2);
  EXPECT_EQ(machine.Take("a"), 1);
  EXPECT_EQ(machine.Take("a"), 1);
  EXPECT_EQ(machine.Take("a"), 0);
  EXPECT_TRUE(machine.Waits("a"));
  EXPECT_EQ(machine.Held("a"), 2);
}

TEST(ShareTableTest, TheNextFreeUnitIsForOneThatHasNone) {
  Machine machine(2);
  machine.Take("a");
  machine.Take("a");
  EXPECT_EQ(machine.Take("b"), 0);
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("a"), 0) << "though a unit is free and a asks first";
  EXPECT_EQ(machine.Take("b"), 1);
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("b"), 0) << "now it is a that has none";
  EXPECT_EQ(machine.Take("a"), 1);
}

TEST(ShareTableTest, WhoComesAnewGetsTheNextFreeUnitWhateverItsPriority) {
  Machine machine(2);
  machine.Take("a", 100);
  machine.Take("a", 100);
  machine.Pass(5000);
  EXPECT_EQ(machine.Take("b", 1), 0);
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("a", 100), 0);
  EXPECT_EQ(machine.Take("b", 1), 1);
}

TEST(ShareTableTest, AWishIsWithdrawnOrRunsOut) {
  Machine machine(1);
  machine.Take("a");
  EXPECT_EQ(machine.Take("b"), 0);
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("a"), 0);
  machine.StopWaiting("b");
  EXPECT_EQ(machine.Take("a"), 1);

  EXPECT_EQ(machine.Take("b"), 0);
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("a"), 0);
  machine.Pass(ShareTable::kWishSeconds + 1);  // b hangs
  EXPECT_EQ(machine.Take("a"), 1);
}

TEST(ShareTableTest, TheDeadHoldNothing) {
  Machine machine(2);
  EXPECT_EQ(machine.Take("a", 1, 2), 2);
  EXPECT_EQ(machine.Take("b", 1, 2), 0);
  machine.Kill("a");
  machine.Pass(1);
  EXPECT_EQ(machine.Take("b", 1, 2), 2);
}

TEST(ShareTableTest, MoreThanThereIsMeansTheWholeDevice) {
  Machine machine(2);
  EXPECT_EQ(machine.Take("a"), 1);
  EXPECT_EQ(machine.Take("wide", 1, 4), 0);
  machine.Pass(1);
  EXPECT_EQ(machine.Take("a"), 0) << "the free unit is kept for the one with nothing";
  machine.StopWaiting("a");
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("wide", 1, 4), 2);
}

TEST(ShareTableTest, DevicesHaveNothingToDoWithEachOther) {
  ShareTable table;
  table.Advance(1, [](const std::string&) { return true; });
  EXPECT_EQ(table.Take({.id = "a"}, "cpu", 1, 1), 1);
  EXPECT_EQ(table.Take({.id = "a"}, "GPU-1", 1, 1), 1);
  EXPECT_EQ(table.Take({.id = "b"}, "GPU-2", 1, 1), 1);
  EXPECT_EQ(table.Take({.id = "b"}, "GPU-1", 1, 1), 0);
}

TEST(ShareTableTest, TheHighestCapacityCounts) {
  Machine machine(1);
  EXPECT_EQ(machine.Take("a", 1, 1, 1), 1);
  EXPECT_EQ(machine.Take("b", 1, 1, 3), 1);
  EXPECT_EQ(machine.Take("a", 1, 1, 1), 1);
  EXPECT_EQ(machine.Take("b", 1, 1, 3), 0);
}

TEST(ShareTableTest, WhatWasUsedAloneCostsNothing) {
  Machine machine(1);
  machine.Take("a");
  machine.Pass(10'000);
  machine.Take("b");
  machine.Pass(1);
  machine.GiveBack("a");
  EXPECT_EQ(machine.Take("b"), 1);
  EXPECT_EQ(machine.Take("a"), 0);
  machine.Pass(2);
  machine.Take("a");
  machine.GiveBack("b");
  EXPECT_EQ(machine.Take("b"), 0) << "b has had 2 seconds since both wanted it, a one";
  EXPECT_EQ(machine.Take("a"), 1);
}

TEST(ShareTableTest, SurvivesAsText) {
  Machine machine(2);
  machine.Take("a", 3, 2);
  machine.Take("b");
  machine.Pass(2);
  const ShareTable read = ShareTable::FromText(machine.table().Text());
  ASSERT_EQ(read.claims().size(), 2);
  EXPECT_EQ(read.Text(), machine.table().Text());
  EXPECT_EQ(read.claims()[0].owner.priority, 3);
  EXPECT_EQ(read.claims()[0].held, 2);
  EXPECT_DOUBLE_EQ(read.claims()[0].served, 2 * 2.0 / 3);
  EXPECT_EQ(read.claims()[1].wanted, 1);
}

TEST(ShareTableTest, ADamagedTableIsAnEmptyOneAndHoldersSayWhatTheyHold) {
  for (const char* text : {"", "{", "[]", "{\"at\":1}", "{\"at\":1,\"claims\":[{\"held\":1}]}"}) {
    EXPECT_THAT(ShareTable::FromText(text).claims(), IsEmpty()) << text;
  }
  ShareTable table;
  table.SetHeld({.id = "a"}, "cpu", 2, 2);
  EXPECT_EQ(table.Take({.id = "b"}, "cpu", 2, 1), 0);
}

TEST(ShareTableTest, AClockFromAnotherBootMakesAnEmptyTable) {
  ShareTable table;
  const auto alive = [](const std::string&) { return true; };
  table.Advance(1000, alive);
  EXPECT_EQ(table.Take({.id = "a"}, "cpu", 1, 1), 1);
  table.Advance(10, alive);
  EXPECT_THAT(table.claims(), IsEmpty());
}

/// A study that always has more trials than it gets, or as many as `slots`.
struct Study {
  std::string id;
  std::int64_t priority = 1;
  std::int64_t slots = 1000;
  std::int64_t units = 1;
  int shortest = 30, longest = 600;  ///< seconds of a trial
  int begins = 0;
  std::vector<int> ends;                 ///< of its running trials
  double used = 0;                       ///< unit-seconds since all had begun
  std::vector<std::int64_t> held_later;  ///< each second, from an hour after all had begun
};

/// Lets the studies run for so many seconds, each asking once a second in an order drawn anew, and
/// checks what must always hold.
void Simulate(std::int64_t capacity, std::vector<Study>& studies, int seconds, unsigned seed) {
  std::mt19937 random(seed);
  Machine machine(capacity);
  const bool single_units =
      std::ranges::all_of(studies, [](const Study& study) { return study.units == 1; });
  int all_there = 0;
  for (const Study& study : studies) all_there = std::max(all_there, study.begins);
  std::vector<std::size_t> order(studies.size());
  std::iota(order.begin(), order.end(), 0);
  for (int second = 0; second < seconds; ++second) {
    machine.Pass(1);
    std::ranges::shuffle(order, random);
    bool taken = false, refused = false;
    for (Study& study : studies) {
      const auto over = std::erase_if(study.ends, [&](int end) { return end <= second; });
      for (std::size_t i = 0; i < over; ++i) {
        machine.GiveBack(study.id, std::min(study.units, capacity));
      }
    }
    for (const std::size_t index : order) {
      Study& study = studies[index];
      if (second < study.begins) continue;
      while (static_cast<std::int64_t>(study.ends.size()) < study.slots) {
        if (machine.Take(study.id, study.priority, study.units) == 0) {
          refused = true;
          break;
        }
        taken = true;
        study.ends.push_back(second +
                             std::uniform_int_distribution(study.shortest, study.longest)(random));
      }
      if (second >= all_there) study.used += static_cast<double>(machine.Held(study.id));
      if (second >= all_there + 3600) study.held_later.push_back(machine.Held(study.id));
    }
    ASSERT_LE(machine.Used(), capacity) << "second " << second;
    if (single_units && refused && !taken) {
      ASSERT_EQ(machine.Used(), capacity) << "a unit is free and somebody waits, second " << second;
    }
  }
}

/// Each study's part of what all have used.
std::vector<double> Shares(const std::vector<Study>& studies) {
  double sum = 0;
  for (const Study& study : studies) sum += study.used;
  std::vector<double> shares;
  for (const Study& study : studies) shares.push_back(study.used / sum);
  return shares;
}

constexpr int kDay = 24 * 3600;

TEST(ShareSimulationTest, SharesFollowPrioritiesWhateverTheTrialsLengths) {
  for (const std::int64_t capacity : {1, 2, 4, 8}) {
    std::vector<Study> studies = {{.id = "long", .priority = 1, .shortest = 600, .longest = 1800},
                                  {.id = "short", .priority = 3, .shortest = 20, .longest = 60},
                                  {.id = "mixed", .priority = 4, .shortest = 10, .longest = 1000}};
    ASSERT_NO_FATAL_FAILURE(Simulate(capacity, studies, 2 * kDay, 7));
    const std::vector<double> shares = Shares(studies);
    EXPECT_NEAR(shares[0], 1.0 / 8, 0.02) << capacity;
    EXPECT_NEAR(shares[1], 3.0 / 8, 0.03) << capacity;
    EXPECT_NEAR(shares[2], 4.0 / 8, 0.03) << capacity;
  }
}

TEST(ShareSimulationTest, WhatOneDoesNotUseGoesToTheOthers) {
  std::vector<Study> studies = {{.id = "one slot", .priority = 10, .slots = 1},
                                {.id = "b", .priority = 1},
                                {.id = "c", .priority = 1}};
  ASSERT_NO_FATAL_FAILURE(Simulate(8, studies, 2 * kDay, 3));
  EXPECT_NEAR(Shares(studies)[0], 1.0 / 8, 0.01);
  EXPECT_NEAR(Shares(studies)[1], 3.5 / 8, 0.03);
}

TEST(ShareSimulationTest, ALateStudyNeitherStarvesNorTakesAll) {
  std::vector<Study> studies = {
      {.id = "a"}, {.id = "satisfied", .slots = 1}, {.id = "late", .begins = kDay}};
  ASSERT_NO_FATAL_FAILURE(Simulate(8, studies, kDay + 6 * 3600, 5));
  EXPECT_NEAR(Shares(studies)[0], 3.5 / 8, 0.05);
  EXPECT_NEAR(Shares(studies)[2], 3.5 / 8, 0.05);
}

TEST(ShareSimulationTest, AStudyOfWideWorkersGetsItsShareToo) {
  std::vector<Study> studies = {{.id = "narrow", .shortest = 1, .longest = 100},
                                {.id = "wide", .units = 4, .shortest = 60, .longest = 200}};
  ASSERT_NO_FATAL_FAILURE(Simulate(4, studies, 2 * kDay, 11));
  EXPECT_NEAR(Shares(studies)[1], 0.5, 0.05);
}

TEST(ShareSimulationTest, PresentSharesStayNearThePriorities) {
  std::vector<Study> studies = {{.id = "a", .shortest = 600, .longest = 1800},
                                {.id = "b", .shortest = 600, .longest = 1800, .begins = 3600}};
  ASSERT_NO_FATAL_FAILURE(Simulate(8, studies, kDay, 13));
  for (const Study& study : studies) {
    const auto [least, most] = std::ranges::minmax_element(study.held_later);
    EXPECT_GE(*least, 2) << study.id;
    EXPECT_LE(*most, 6) << study.id;
  }
}

TEST(ShareSimulationTest, NothingIsEverOversubscribed) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](int from, int to) {
      return std::uniform_int_distribution(from, to)(random);
    };
    std::vector<Study> studies;
    const int count = draw(1, 5);
    for (int i = 0; i < count; ++i) {
      studies.push_back({.id = std::to_string(i),
                         .priority = draw(1, 100),
                         .slots = draw(1, 10),
                         .units = draw(1, 3) == 1 ? draw(1, 6) : 1,
                         .shortest = 1,
                         .longest = draw(1, 300),
                         .begins = draw(0, 1000)});
    }
    ASSERT_NO_FATAL_FAILURE(Simulate(draw(1, 8), studies, 20'000, seed)) << "seed " << seed;
    for (const Study& study : studies) {
      EXPECT_GT(study.used, 0) << "seed " << seed << ", study " << study.id << ", priority "
                               << study.priority << ", units " << study.units;
    }
  }
}

}  // namespace
}  // namespace beamgrid
