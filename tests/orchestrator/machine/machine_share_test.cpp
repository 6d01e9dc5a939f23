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

TEST_F(MachineShareTest, WhetherAFolderWillDoIsKnownBefore) {
  EXPECT_EQ(ProblemOfShare(folder_ / "share"), "");
  EXPECT_FALSE(fs::exists(folder_ / "share"));
  const Seat a = Join("a");
  EXPECT_EQ(ProblemOfShare(folder_ / "share"), "");
}

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

TEST_F(MachineShareTest, WhoOnlyLooksSeesTheLivingAndChangesNothing) {
  EXPECT_TRUE(LivingNotes(folder_ / "share").empty()) << "there is no folder";
  EXPECT_FALSE(fs::exists(folder_ / "share"));
  Seat a = Join("a");
  const Seat b = Join("b");
  EXPECT_TRUE(a->TryTake("cpu", 2, 2));
  EXPECT_FALSE(b->TryTake("cpu", 2, 1));
  const std::vector<StudyNote> notes = LivingNotes(folder_ / "share");
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0].study, "a");
  EXPECT_EQ(notes[0].pid, ::getpid());
  EXPECT_EQ(notes[0].devices.at("cpu").held, 2);
  EXPECT_EQ(notes[0].devices.at("cpu").capacity, 2);
  EXPECT_EQ(notes[1].devices.at("cpu").wanted, 1);
  std::ofstream(folder_ / "share" / "dead.note") << "of a dead study";
  EXPECT_EQ(LivingNotes(folder_ / "share").size(), 2U);
  EXPECT_TRUE(fs::exists(folder_ / "share" / "dead.note"));
  a.reset();
  EXPECT_EQ(LivingNotes(folder_ / "share").size(), 1U);
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
  EXPECT_THAT(ProblemOfShare(folder_ / "share"), HasSubstr("is no folder"));
  ExpectRefused(folder_ / "missing" / "share", "cannot make the folder");
  EXPECT_THAT(ProblemOfShare(folder_ / "missing" / "share"),
              HasSubstr("No such file or directory"));
}

TEST_F(MachineShareTest, AFolderThatOthersMayWriteToIsNotUsed) {
  fs::create_directory(folder_ / "share");
  ASSERT_EQ(::chmod((folder_ / "share").c_str(), 0777), 0);
  ExpectRefused(folder_ / "share", "must be a folder of your own that nobody else may write to");
  EXPECT_THAT(ProblemOfShare(folder_ / "share"), HasSubstr("must be a folder of your own"));
}

TEST_F(MachineShareTest, ALinkIsNotFollowed) {
  fs::create_directory(folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "share");
  ExpectRefused(folder_ / "share", "cannot open the folder");
  EXPECT_THAT(ProblemOfShare(folder_ / "share"), HasSubstr("is no folder"));
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
  const auto taken = [&] {
    std::error_code ignored;
    const std::uintmax_t count = fs::file_size(folder / "witnesses" / "taken", ignored);
    return ignored ? 0 : count;
  };
  std::mt19937 random(1);
  // Longer where the machine is slow: too few tell nothing.
  for (int round = 0; round < 200 || (taken() <= 50 && round < 20'000); ++round) {
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
  EXPECT_GT(taken(), 50U);
}

}  // namespace
}  // namespace beamgrid
