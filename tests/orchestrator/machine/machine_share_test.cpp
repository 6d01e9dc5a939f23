#include "orchestrator/machine/machine_share.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "registry/util/error.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::MatchesRegex;
namespace fs = std::filesystem;

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

// The folder.

class MachineShareTest : public testing::Test {
 protected:
  using Seat = std::unique_ptr<MachineShare>;
  Seat Join(const std::string& study, ShareMode mode = ShareMode::kWaitForSlots) {
    return std::make_unique<MachineShare>(folder_ / "share", study, 1, mode,
                                          [this] { return now_; });
  }
  std::vector<fs::path> Notes() {
    std::vector<fs::path> notes;
    for (const auto& entry : fs::directory_iterator(folder_ / "share")) {
      if (entry.path().extension() == ".note") notes.push_back(entry.path());
    }
    return notes;
  }
  void ExpectRefused(const fs::path& folder, const std::string& reason) {
    try {
      const MachineShare share(folder, "a", 1, ShareMode::kWaitForSlots, [this] { return now_; });
      ADD_FAILURE() << "not refused";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(reason));
      EXPECT_THAT(error.what(), HasSubstr("BEAMGRID_SHARE_DIR"));
    }
  }

  TemporaryFolder folder_;
  std::chrono::milliseconds now_{1'000'000};
};

TEST_F(MachineShareTest, UnitsAreHeldUntilTheyAreGivenBack) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  EXPECT_TRUE(b->TryTake("cpu", 2, 1));
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  EXPECT_TRUE(a->TryTake("GPU-1", 1, 1)) << "another device";
  b->GiveBack("cpu", 1);
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  EXPECT_FALSE(b->TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, AWorkerOfTwoThreadsTakesTwoCores) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  EXPECT_FALSE(b->TryTake("cpu", 2, 2));
}

TEST_F(MachineShareTest, AStudyThatWantsMoreThreadsThanThereAreCoresRunsAlone) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 8));
  EXPECT_FALSE(b->TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, ItIsTheTurnOfTheStudyThatWaited) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 1, 1));
  EXPECT_FALSE(b->TryTake("cpu", 1, 1));
  now_ += 1s;
  a->GiveBack("cpu", 1);
  EXPECT_FALSE(a->TryTake("cpu", 1, 1));
  EXPECT_TRUE(b->TryTake("cpu", 1, 1));
}

TEST_F(MachineShareTest, AStudyThatStopsWaitingOrHangsLetsOthersPass) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  EXPECT_FALSE(b->TryTake("cpu", 2, 2));
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  b->StopWaiting();
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  a->GiveBack("cpu", 1);
  EXPECT_FALSE(b->TryTake("cpu", 2, 2));
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  now_ += std::chrono::milliseconds(kWishMs + 1);
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, StartsAtOnceWhereAskedToAndOthersLeaveRoomForIt) {
  const Seat a = Join("a"), b = Join("b", ShareMode::kStartAtOnce);
  EXPECT_TRUE(a->TryTake("cpu", 2, 2));
  EXPECT_TRUE(b->TryTake("cpu", 2, 1));
  EXPECT_TRUE(b->TryTake("cpu", 2, 1));
  a->GiveBack("cpu", 2);
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  b->GiveBack("cpu", 1);
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, NamesTheHolders) {
  const Seat a = Join("a"), b = Join("two words \"b\""), idle = Join("idle");
  EXPECT_EQ(a->Holders("cpu"), "other studies");
  EXPECT_TRUE(b->TryTake("cpu", 2, 2));
  EXPECT_FALSE(idle->TryTake("cpu", 2, 1));
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  EXPECT_THAT(a->Holders("cpu"),
              MatchesRegex("study 'two words \"b\"' \\(pid " + std::to_string(::getpid()) +
                           ", since [0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+\\)"));
  EXPECT_EQ(a->Holders("GPU-1"), "other studies");
}

TEST_F(MachineShareTest, LeavesNothingBehind) {
  Seat a = Join("a");
  const Seat b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 1, 1));
  EXPECT_EQ(Notes().size(), 2);
  a.reset();
  EXPECT_EQ(Notes().size(), 1);
  EXPECT_TRUE(b->TryTake("cpu", 1, 1));
}

TEST_F(MachineShareTest, NotesOfTheDeadAndOfEarlierBootsAreRemoved) {
  const Seat a = Join("a");
  EXPECT_TRUE(a->TryTake("cpu", 1, 1));
  fs::copy(Notes()[0], folder_ / "share/1-1.note");  // nobody holds its lock
  a->GiveBack("cpu", 1);
  const Seat b = Join("b");
  now_ = 1s;  // a clock that begins anew
  EXPECT_TRUE(b->TryTake("cpu", 1, 1));
  EXPECT_EQ(Notes().size(), 2);
}

TEST_F(MachineShareTest, WhereANoteIsDamagedNobodyTakesUntilItsStudyWritesItAgain) {
  const Seat a = Join("a");
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  a->Refresh();
  const fs::path note = Notes()[0];
  const Seat b = Join("b");
  const std::string head = "\"a\" 1 1 1\n\"cpu\" ";
  for (const std::string& text :
       {std::string(), std::string("not a note"), head, head + "2 1 0 0\nend\n",
        head + "2 -1 0 0 0\nend\n", head + "2 99999999999 0 0 0\nend\n", head + "2 1 0 0 0\n"}) {
    std::ofstream(note) << text;
    EXPECT_FALSE(b->TryTake("cpu", 2, 1)) << text;
    a->Refresh();
    EXPECT_FALSE(b->TryTake("cpu", 2, 1)) << "not yet";
    now_ += 1s;
    a->Refresh();
    EXPECT_TRUE(b->TryTake("cpu", 2, 1)) << text;
    EXPECT_FALSE(b->TryTake("cpu", 2, 1)) << text;
    b->GiveBack("cpu", 1);
    b->StopWaiting();
  }
}

TEST_F(MachineShareTest, WhereTheFolderIsRemovedNobodyTakesWhatIsHeld) {
  const Seat a = Join("a"), b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  fs::remove_all(folder_ / "share");
  const Seat late = Join("late");
  EXPECT_FALSE(b->TryTake("cpu", 2, 1)) << "a has not said yet what it holds";
  EXPECT_FALSE(late->TryTake("cpu", 2, 1));
  now_ += 1s;
  a->Refresh();
  EXPECT_EQ(Notes().size(), 3);
  EXPECT_FALSE(b->TryTake("cpu", 2, 2));
  b->StopWaiting();
  EXPECT_TRUE(late->TryTake("cpu", 2, 1));
  EXPECT_FALSE(b->TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, WithoutAFolderOfItsOwnNothingIsHeld) {
  std::ofstream(folder_ / "share") << "a file";
  ExpectRefused(folder_ / "share", "cannot open the folder");
  ExpectRefused(folder_ / "missing" / "share", "cannot make the folder");
}

TEST_F(MachineShareTest, AFolderThatOthersMayWriteToIsNotUsed) {
  fs::create_directory(folder_ / "share");
  ASSERT_EQ(::chmod((folder_ / "share").c_str(), 0777), 0);
  ExpectRefused(folder_ / "share", "must be a folder of your own that nobody else may write to");
}

TEST_F(MachineShareTest, ALinkIsNotFollowed) {
  fs::create_directory(folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "share");
  ExpectRefused(folder_ / "share", "cannot open the folder");
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(MachineShareTest, OnAFullDiskAStudyGoesOnAndANewOneIsRefused) {
  const fs::path disk = folder_ / "disk";
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "may not mount a small disk";
  }
  {
    MachineShare share(disk / "share", "a", 1, ShareMode::kWaitForSlots, [this] { return now_; });
    std::ofstream(disk / "filler") << std::string(256 << 10, 'x');
    EXPECT_TRUE(share.TryTake("cpu", 2, 1));
    ExpectRefused(disk / "share", "make room on the disk");
    EXPECT_TRUE(share.TryTake("cpu", 2, 1));
    EXPECT_FALSE(share.TryTake("cpu", 2, 1));
  }
  EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
}

/// The folder's lock, as a process holds it that was stopped in the middle.
UniqueFd Hold(const fs::path& folder) {
  UniqueFd held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0);
  return held;
}

TEST_F(MachineShareTest, WhereAnotherProcessKeepsTheFolderOneAsksAgainLater) {
  const Seat a = Join("a"), hasty = Join("hasty", ShareMode::kStartAtOnce);
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
  {
    const UniqueFd held = Hold(folder_ / "share");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(a->TryTake("cpu", 2, 1));
    a->GiveBack("cpu", 1);  // cannot be told now
    EXPECT_TRUE(hasty->TryTake("cpu", 2, 2));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    const Seat late = Join("late");
    EXPECT_FALSE(late->TryTake("cpu", 2, 1));
  }
  now_ += 1s;
  hasty->Refresh();
  EXPECT_FALSE(a->TryTake("cpu", 2, 1));
  hasty->GiveBack("cpu", 1);
  EXPECT_TRUE(a->TryTake("cpu", 2, 1));
}

TEST(ShareFolderTest, IsTheUsersOwnUnlessNamed) {
  ::unsetenv("BEAMGRID_SHARE_DIR");
  EXPECT_EQ(DefaultShareFolder(), "/tmp/beamgrid-" + std::to_string(::geteuid()));
  ::setenv("BEAMGRID_SHARE_DIR", "/elsewhere", 1);
  EXPECT_EQ(DefaultShareFolder(), "/elsewhere");
  ::unsetenv("BEAMGRID_SHARE_DIR");
}

TEST_F(MachineShareTest, OnlyItsUserMayEnterTheFolder) {
  const Seat a = Join("a");
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "share").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

// Processes of their own.

/// Runs `work` in a child, which ends with what it returns.
template <typename Work>
pid_t Fork(const Work& work) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work());
  return pid;
}

std::chrono::milliseconds SteadyNow() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

TEST(MachineShareProcessTest, AKilledStudyHoldsNothingAndAStoppedOneWhatItHeld) {
  const TemporaryFolder folder;
  const auto join = [&] {
    return MachineShare(folder / "share", "s", 1, ShareMode::kWaitForSlots, SteadyNow);
  };
  const pid_t child = Fork([&] {
    MachineShare share = join();
    const bool taken = share.TryTake("cpu", 2, 2);
    ::raise(SIGSTOP);
    return taken ? 0 : 1;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  MachineShare heir = join();
  EXPECT_FALSE(heir.TryTake("cpu", 2, 1));
  EXPECT_THAT(heir.Holders("cpu"), HasSubstr("(pid " + std::to_string(child) + ", since "));
  fs::remove_all(folder / "share");
  EXPECT_FALSE(heir.TryTake("cpu", 2, 1)) << "also where its note is gone";
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(heir.TryTake("cpu", 2, 2));
}

TEST(MachineShareProcessTest, WhoCannotWriteItsNoteTakesNothing) {
  const TemporaryFolder folder;
  const pid_t child = Fork([&] {
    MachineShare share(folder / "share", "s", 1, ShareMode::kWaitForSlots, SteadyNow);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit nothing{0, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &nothing);
    try {
      static_cast<void>(share.TryTake("cpu", 1, 1));
    } catch (const Error&) {
      return 0;
    }
    return 1;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/// Takes units again and again, and for each one that it holds a witness: a lock on one of as many
/// files as there are units. Returns where there was none left, which means: overbooked.
int TakeForEver(const fs::path& folder, const fs::path& witnesses, std::int64_t capacity,
                std::int64_t units) {
  // Opened first, they are closed first where the process is killed.
  std::vector<UniqueFd> files;
  for (std::int64_t unit = 0; unit < capacity; ++unit) {
    const fs::path path = witnesses / std::to_string(unit);
    files.emplace_back(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  for (;;) {
    try {
      MachineShare share(folder, "s", 1, ShareMode::kWaitForSlots, SteadyNow);
      for (;;) {
        if (!share.TryTake("cpu", capacity, units)) continue;
        std::int64_t held = 0;
        for (const UniqueFd& file : files) {
          if (held < units && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ++held;
        }
        if (held < units) return 1;
        std::this_thread::sleep_for(200us);
        for (const UniqueFd& file : files) ::flock(file.get(), LOCK_UN);
        const int taken =
            ::open((witnesses / "taken").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (::write(taken, "+", 1) != 1 || ::close(taken) != 0) return 2;
        share.GiveBack("cpu", units);
      }
    } catch (const Error&) {  // the folder was removed while it was written to
    }
  }
}

TEST(MachineShareProcessTest, NeverOverbookedWhoeverIsKilledAndWhereverTheFolderGoes) {
  constexpr std::int64_t kCapacity = 3;
  const TemporaryFolder folder;
  fs::create_directory(folder / "witnesses");
  const auto start = [&](std::size_t child) {
    return Fork([&] {
      return TakeForEver(folder / "share", folder / "witnesses", kCapacity, child == 0 ? 2 : 1);
    });
  };
  std::vector<pid_t> children;
  for (std::size_t child = 0; child < 4; ++child) children.push_back(start(child));
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 12'000));
    std::error_code ignored;
    if (round % 5 == 0) fs::remove_all(folder / "share", ignored);
    const std::size_t child = random() % children.size();
    ::kill(children[child], SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(children[child], &status, 0), children[child]);
    EXPECT_TRUE(WIFSIGNALED(status)) << "overbooked in round " << round;
    children[child] = start(child);
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "overbooked";
  }
  EXPECT_GT(fs::file_size(folder / "witnesses" / "taken"), 50U) << "too few were taken to tell";
}

}  // namespace
}  // namespace beamgrid
