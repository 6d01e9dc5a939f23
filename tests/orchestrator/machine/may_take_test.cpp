// Who may take a free unit of the machine, and what comes of it over days of several studies.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "orchestrator/machine/machine_share.h"

namespace beamgrid {
namespace {

// The decision.

struct Part {
  std::int64_t held = 0, wanted = 0, priority = 1, asked_at_ms = 0, capacity = 2;
};

StudyNote NoteOf(const Part& part) {
  return {.priority = part.priority,
          .devices = {{"cpu",
                       {.capacity = part.capacity,
                        .held = part.held,
                        .wanted = part.wanted,
                        .asked_at_ms = part.asked_at_ms,
                        .renewed_at_ms = part.asked_at_ms}}}};
}

bool MayTakeBeside(const Part& own, const std::vector<Part>& others, std::int64_t now_ms = 100) {
  std::vector<StudyNote> notes;
  for (const Part& other : others) notes.push_back(NoteOf(other));
  return MayTake("cpu", NoteOf(own), notes, now_ms);
}

TEST(MayTakeTest, NoMoreThanThereIs) {
  EXPECT_TRUE(MayTakeBeside({.held = 1, .wanted = 1}, {}));
  EXPECT_FALSE(MayTakeBeside({.held = 2, .wanted = 1}, {}));
  EXPECT_TRUE(MayTakeBeside({.wanted = 1}, {{.held = 1}}));
  EXPECT_FALSE(MayTakeBeside({.wanted = 2}, {{.held = 1}}));
  EXPECT_FALSE(MayTakeBeside({.wanted = 1}, {{.held = 1}, {.held = 1}}));
}

TEST(MayTakeTest, AFreeUnitIsForTheOneThatHoldsLeastForItsPriority) {
  const Part two_of_three = {.held = 2, .wanted = 1, .priority = 3, .capacity = 4};
  const Part one_of_one = {.held = 1, .wanted = 1, .priority = 1, .capacity = 4};
  EXPECT_TRUE(MayTakeBeside(two_of_three, {one_of_one}));
  EXPECT_FALSE(MayTakeBeside(one_of_one, {two_of_three}));
  const Part none_of_one = {.wanted = 1, .priority = 1, .capacity = 4};
  EXPECT_FALSE(
      MayTakeBeside({.held = 3, .wanted = 1, .priority = 100, .capacity = 4}, {none_of_one}))
      << "who has nothing comes first whatever its priority";
}

TEST(MayTakeTest, OfEqualOnesTheLongestWaitingComesFirst) {
  const Part early = {.wanted = 1, .asked_at_ms = 10, .capacity = 1};
  const Part late = {.wanted = 1, .asked_at_ms = 11, .capacity = 1};
  EXPECT_TRUE(MayTakeBeside(early, {late}));
  EXPECT_FALSE(MayTakeBeside(late, {early}));
}

TEST(MayTakeTest, AWishRunsOut) {
  const Part own = {.held = 1, .wanted = 1}, other = {.wanted = 1};
  EXPECT_FALSE(MayTakeBeside(own, {other}, kWishMs));
  EXPECT_TRUE(MayTakeBeside(own, {other}, kWishMs + 1));
}

TEST(MayTakeTest, UnitsAreCollectedForOneThatWantsMany) {
  const Part wide = {.wanted = 4, .capacity = 4};
  const Part narrow = {.held = 1, .wanted = 1, .capacity = 4};
  EXPECT_FALSE(MayTakeBeside(wide, {narrow}));
  EXPECT_FALSE(MayTakeBeside(narrow, {wide})) << "though 3 are free";
  EXPECT_TRUE(MayTakeBeside(wide, {{.wanted = 1, .asked_at_ms = 1, .capacity = 4}}));
}

TEST(MayTakeTest, EachKeepsToTheCapacityThatItCounts) {
  const Part few = {.wanted = 1, .capacity = 2};
  EXPECT_TRUE(MayTakeBeside({.held = 3, .wanted = 1, .capacity = 4}, {}));
  EXPECT_FALSE(MayTakeBeside(few, {{.held = 2, .capacity = 4}}));
  EXPECT_FALSE(MayTakeBeside({.held = 2, .wanted = 1, .capacity = 4}, {few}))
      << "or it would never be the turn of the one that counts few";
  EXPECT_TRUE(MayTakeBeside(few, {{.held = 1, .wanted = 1, .capacity = 4}}));
}

TEST(MayTakeTest, DevicesHaveNothingToDoWithEachOther) {
  StudyNote other = NoteOf({.held = 2});
  other.devices["GPU-1"] = {.capacity = 1, .held = 1};
  StudyNote own = NoteOf({.wanted = 1});
  own.devices["GPU-2"] = own.devices["GPU-1"] = {.capacity = 1, .wanted = 1};
  EXPECT_FALSE(MayTake("GPU-1", own, {other}, 0));
  EXPECT_TRUE(MayTake("GPU-2", own, {other}, 0));
}

// Studies over days: each asks once a second, in an order drawn anew.

/// A study that always has more trials than it gets, or as many as `slots`.
struct Study {
  std::int64_t priority = 1, slots = 1000, units = 1;
  int shortest = 30, longest = 600;  ///< seconds of a trial
  int begins = 0;
  StudyNote note;
  std::vector<int> ends;    ///< of its running trials
  double used = 0;          ///< unit-seconds since all had begun
  int longest_without = 0;  ///< seconds in which it had nothing and waited
};

void Simulate(std::int64_t capacity, std::vector<Study>& studies, int seconds, unsigned seed) {
  std::mt19937 random(seed);
  int all_there = 0;
  std::vector<Study*> order;
  for (Study& study : studies) {
    study.note = NoteOf({.priority = study.priority, .capacity = std::max(capacity, study.units)});
    all_there = std::max(all_there, study.begins);
    order.push_back(&study);
  }
  const bool narrow = std::ranges::all_of(studies, [](const Study& s) { return s.units == 1; });
  std::vector<int> without(studies.size());
  for (int second = 0; second < seconds; ++second) {
    bool taken = false, refused = false;
    for (Study& study : studies) {
      const auto over = std::erase_if(study.ends, [&](int end) { return end <= second; });
      study.note.devices["cpu"].held -= static_cast<std::int64_t>(over) * study.units;
    }
    std::ranges::shuffle(order, random);
    for (Study* study : order) {
      if (second < study->begins) continue;
      std::vector<StudyNote> others;
      for (const Study& other : studies) {
        if (&other != study) others.push_back(other.note);
      }
      DeviceClaim& claim = study->note.devices["cpu"];
      while (static_cast<std::int64_t>(study->ends.size()) < study->slots) {
        claim.renewed_at_ms = second * 1000;
        if (claim.wanted == 0) claim.asked_at_ms = claim.renewed_at_ms;
        claim.wanted = study->units;
        refused = !MayTake("cpu", study->note, others, claim.renewed_at_ms);
        if (refused) break;
        claim.held += std::exchange(claim.wanted, 0);
        taken = true;
        study->ends.push_back(
            second + std::uniform_int_distribution(study->shortest, study->longest)(random));
      }
      if (second >= all_there) study->used += static_cast<double>(claim.held);
    }
    std::int64_t held = 0;
    for (std::size_t i = 0; i < studies.size(); ++i) {
      const DeviceClaim& claim = studies[i].note.devices["cpu"];
      held += claim.held;
      std::int64_t by_modest = 0;  // studies that count no more units than this one
      for (Study& other : studies) {
        const DeviceClaim& theirs = other.note.devices["cpu"];
        if (theirs.capacity <= claim.capacity) by_modest += theirs.held;
      }
      ASSERT_LE(by_modest, claim.capacity) << "second " << second;
      without[i] = claim.wanted > 0 && claim.held == 0 ? without[i] + 1 : 0;
      studies[i].longest_without = std::max(studies[i].longest_without, without[i]);
    }
    if (narrow && refused && !taken) {
      ASSERT_EQ(held, capacity) << "a unit is free and somebody waits, second " << second;
    }
  }
}

double ShareOf(const Study& one, const std::vector<Study>& studies) {
  double sum = 0;
  for (const Study& study : studies) sum += study.used;
  return one.used / sum;
}

constexpr int kDay = 24 * 3600;

TEST(ShareSimulationTest, PrioritiesHoldWhateverTheTrialsLengths) {
  std::vector<Study> studies = {{.priority = 1, .shortest = 600, .longest = 1800},
                                {.priority = 3, .shortest = 20, .longest = 60},
                                {.priority = 4, .shortest = 10, .longest = 1000}};
  ASSERT_NO_FATAL_FAILURE(Simulate(16, studies, kDay, 7));
  EXPECT_NEAR(ShareOf(studies[0], studies), 1.0 / 8, 0.06);
  EXPECT_NEAR(ShareOf(studies[1], studies), 3.0 / 8, 0.06);
  EXPECT_NEAR(ShareOf(studies[2], studies), 4.0 / 8, 0.06);
}

TEST(ShareSimulationTest, StudiesTakeTurnsOnOneSlot) {
  std::vector<Study> studies = {{}, {}, {}};
  ASSERT_NO_FATAL_FAILURE(Simulate(1, studies, 2 * kDay, 17));
  for (const Study& study : studies) EXPECT_NEAR(ShareOf(study, studies), 1.0 / 3, 0.05);
}

TEST(ShareSimulationTest, WhatOneDoesNotUseGoesToTheOthers) {
  std::vector<Study> studies = {{.priority = 10, .slots = 1}, {}, {}};
  ASSERT_NO_FATAL_FAILURE(Simulate(8, studies, kDay, 3));
  EXPECT_NEAR(ShareOf(studies[0], studies), 1.0 / 8, 0.02);
  EXPECT_NEAR(ShareOf(studies[1], studies), 3.5 / 8, 0.03);
}

TEST(ShareSimulationTest, ALateStudyGetsItsShareAsTrialsEnd) {
  std::vector<Study> studies = {{}, {.begins = kDay}};
  ASSERT_NO_FATAL_FAILURE(Simulate(8, studies, kDay + 3600, 5));
  EXPECT_NEAR(ShareOf(studies[1], studies), 0.5, 0.08);
  EXPECT_LE(studies[1].longest_without, 600) << "one trial of the other";
}

TEST(ShareSimulationTest, NeitherWideNorNarrowStarves) {
  std::vector<Study> studies = {{.shortest = 1, .longest = 100},
                                {.units = 4, .shortest = 60, .longest = 200}};
  ASSERT_NO_FATAL_FAILURE(Simulate(4, studies, kDay, 11));
  EXPECT_LE(studies[0].longest_without, 202) << "one trial of the other";
  EXPECT_LE(studies[1].longest_without, 202) << "trials of the other that began before it waited";
}

TEST(ShareSimulationTest, NothingIsEverOverbookedAndNobodyStarves) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](int from, int to) {
      return std::uniform_int_distribution(from, to)(random);
    };
    std::vector<Study> studies;
    const int count = draw(1, 5);
    for (int i = 0; i < count; ++i) {
      studies.push_back({.priority = draw(1, 100),
                         .slots = draw(1, 10),
                         .units = draw(1, 3) == 1 ? draw(1, 6) : 1,
                         .shortest = 1,
                         .longest = draw(1, 300),
                         .begins = draw(0, 1000)});
    }
    ASSERT_NO_FATAL_FAILURE(Simulate(draw(1, 8), studies, 10'000, seed)) << "seed " << seed;
    for (const Study& study : studies) EXPECT_LE(study.longest_without, 3000) << "seed " << seed;
  }
}

}  // namespace
}  // namespace beamgrid
