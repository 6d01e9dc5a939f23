#include "orchestrator/machine/machine_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "orchestrator/machine/share_folder.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MachineShareTest : public testing::Test {
 protected:
  MachineShare Join(const std::string& study, std::int64_t priority = 1) {
    return {folder_ / "share", study, priority, [this] { return now_; }};
  }
  std::size_t FilesOfLiving() {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "share")) {
      if (entry.path().extension() == ".study") ++files;
    }
    return files;
  }

  TemporaryFolder folder_;
  double now_ = 1000;
};

TEST_F(MachineShareTest, ALeaseHoldsItsUnitsWhileItLives) {
  MachineShare a = Join("a"), b = Join("b");
  EXPECT_THAT(a.problem(), IsEmpty());
  std::optional<SlotLease> first = a.TryTake("cpu", 2);
  std::optional<SlotLease> second = b.TryTake("cpu", 2);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(a.TryTake("cpu", 2));
  SlotLease moved = std::move(*second);
  second.reset();
  EXPECT_FALSE(a.TryTake("cpu", 2)) << "the moved lease still holds it";
  moved = SlotLease();
  EXPECT_TRUE(a.TryTake("cpu", 2));
}

TEST_F(MachineShareTest, AWorkerOfTwoThreadsTakesTwoCores) {
  MachineShare a = Join("a"), b = Join("b");
  const std::optional<SlotLease> one = a.TryTake("cpu", 2, 1);
  EXPECT_FALSE(b.TryTake("cpu", 2, 2));
}

TEST_F(MachineShareTest, AStudyThatWantsMoreThreadsThanThereAreCoresRunsAlone) {
  MachineShare a = Join("a"), b = Join("b");
  const std::optional<SlotLease> lease = a.TryTake("cpu", 2, 8);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(b.TryTake("cpu", 2, 1));
}

TEST_F(MachineShareTest, ItIsTheTurnOfTheStudyThatHasNone) {
  MachineShare a = Join("a"), b = Join("b");
  std::optional<SlotLease> held = a.TryTake("cpu", 1);
  EXPECT_FALSE(b.TryTake("cpu", 1));
  now_ += 1;
  held.reset();
  EXPECT_FALSE(a.TryTake("cpu", 1));
  EXPECT_TRUE(b.TryTake("cpu", 1));
}

TEST_F(MachineShareTest, AStudyThatStopsWaitingLetsOthersPass) {
  MachineShare a = Join("a"), b = Join("b");
  std::optional<SlotLease> held = a.TryTake("cpu", 1);
  EXPECT_FALSE(b.TryTake("cpu", 1));
  now_ += 1;
  held.reset();
  b.StopWaiting("cpu");
  EXPECT_TRUE(a.TryTake("cpu", 1));
}

TEST_F(MachineShareTest, NamesTheNeighbours) {
  MachineShare a = Join("a"), b = Join("b", 7);
  const std::optional<SlotLease> lease = b.TryTake("cpu", 2, 2);
  EXPECT_THAT(a.Neighbours("cpu"), IsEmpty());
  EXPECT_FALSE(a.TryTake("cpu", 2));
  ASSERT_THAT(a.Neighbours("cpu"), SizeIs(1));
  const MachineShare::Neighbour neighbour = a.Neighbours("cpu")[0];
  EXPECT_EQ(neighbour.study, "b");
  EXPECT_EQ(neighbour.pid, ::getpid());
  EXPECT_EQ(neighbour.priority, 7);
  EXPECT_EQ(neighbour.held, 2);
  EXPECT_FALSE(neighbour.waits);
  EXPECT_THAT(a.Neighbours("GPU-1"), IsEmpty());
}

TEST_F(MachineShareTest, LeavesNothingBehind) {
  std::optional<SlotLease> lease;
  {
    MachineShare a = Join("a");
    lease = a.TryTake("cpu", 1);
    MachineShare b = Join("b");
    EXPECT_FALSE(b.TryTake("cpu", 1));
    EXPECT_EQ(FilesOfLiving(), 2);
  }
  EXPECT_EQ(FilesOfLiving(), 1) << "the lease lives on";
  lease.reset();
  EXPECT_EQ(FilesOfLiving(), 0);
}

TEST_F(MachineShareTest, ATableThatSomebodyDamagedIsMadeAgain) {
  MachineShare a = Join("a"), b = Join("b");
  const std::optional<SlotLease> lease = a.TryTake("cpu", 1);
  std::ofstream(folder_ / "share/slots.json") << "not a table";
  EXPECT_FALSE(a.TryTake("cpu", 1)) << "a says what it holds";
  EXPECT_FALSE(b.TryTake("cpu", 1));
}

TEST_F(MachineShareTest, FilesThatWereCleanedAwayAreMadeAgain) {
  MachineShare a = Join("a"), b = Join("b");
  const std::optional<SlotLease> lease = a.TryTake("cpu", 1);
  std::filesystem::remove_all(folder_ / "share");
  EXPECT_FALSE(a.TryTake("cpu", 1));
  EXPECT_FALSE(b.TryTake("cpu", 1));
  EXPECT_EQ(FilesOfLiving(), 2);
}

/// Sharing is off: everybody gets what they ask for, and the reason is there to be told.
void ExpectOff(MachineShare& share, const std::string& reason) {
  EXPECT_THAT(share.problem(), HasSubstr(reason));
  const std::optional<SlotLease> first = share.TryTake("cpu", 1);
  EXPECT_TRUE(first);
  EXPECT_TRUE(share.TryTake("cpu", 1));
  share.StopWaiting("cpu");
}

TEST_F(MachineShareTest, WithoutAFolderNothingIsShared) {
  std::ofstream(folder_ / "share") << "a file";
  MachineShare share = Join("a");
  ExpectOff(share, "cannot open the folder");
  MachineShare nowhere(folder_ / "missing" / "share", "a", 1);
  ExpectOff(nowhere, "cannot make the folder: No such file or directory");
}

TEST_F(MachineShareTest, AFolderThatOthersMayWriteToIsNotUsed) {
  std::filesystem::create_directory(folder_ / "share");
  ASSERT_EQ(::chmod((folder_ / "share").c_str(), 0777), 0);
  MachineShare share = Join("a");
  ExpectOff(share, "must be a folder of your own that nobody else may write to");
}

TEST_F(MachineShareTest, ALinkIsNotFollowed) {
  std::filesystem::create_directory(folder_ / "elsewhere");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "share");
  MachineShare share = Join("a");
  ExpectOff(share, "cannot open the folder");
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "elsewhere"));
}

TEST_F(MachineShareTest, WhereAnotherProcessKeepsTheTableOneAsksAgainLater) {
  MachineShare share = Join("a");
  {
    const auto visit = ShareVisit::Begin(folder_ / "share", std::chrono::milliseconds(0));
    ASSERT_TRUE(visit);
    EXPECT_FALSE(share.TryTake("cpu", 1));
  }
  EXPECT_THAT(share.problem(), IsEmpty());
  std::optional<SlotLease> lease = share.TryTake("cpu", 1);
  EXPECT_TRUE(lease);
  {
    const auto visit = ShareVisit::Begin(folder_ / "share", std::chrono::milliseconds(0));
    lease.reset();  // cannot be told now
  }
  EXPECT_TRUE(share.TryTake("cpu", 1));
}

TEST(ShareFolderTest, IsTheUsersOwnUnlessNamed) {
  ::unsetenv("BEAMGRID_SHARE_DIR");
  EXPECT_EQ(DefaultShareFolder(), "/tmp/beamgrid-" + std::to_string(::geteuid()));
  ::setenv("BEAMGRID_SHARE_DIR", "/elsewhere", 1);
  EXPECT_EQ(DefaultShareFolder(), "/elsewhere");
  ::unsetenv("BEAMGRID_SHARE_DIR");
}

TEST(ShareFolderTest, OnlyItsUserMayEnter) {
  const TemporaryFolder folder;
  MachineShare share(folder / "share", "a", 1);
  struct stat status{};
  ASSERT_EQ(::stat((folder / "share").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

// Processes of their own.

/// Runs `work` in a child and ends it there.
template <typename Work>
pid_t Fork(const Work& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(0);
  }
  return pid;
}

TEST(MachineShareProcessTest, TheUnitsOfAKilledStudyComeBack) {
  const TemporaryFolder folder;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = Fork([&] {
    MachineShare share(folder / "share", "victim", 1);
    const std::optional<SlotLease> lease = share.TryTake("cpu", 2, 2);
    const char taken = lease ? '+' : '-';
    if (::write(pipe[1], &taken, 1) == 1) ::pause();
  });
  char taken = 0;
  ASSERT_EQ(::read(pipe[0], &taken, 1), 1);
  ASSERT_EQ(taken, '+');

  MachineShare share(folder / "share", "heir", 1);
  EXPECT_FALSE(share.TryTake("cpu", 2));
  ASSERT_THAT(share.Neighbours("cpu"), SizeIs(1));
  EXPECT_EQ(share.Neighbours("cpu")[0].pid, child);

  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(share.TryTake("cpu", 2, 2));
  EXPECT_THAT(share.Neighbours("cpu"), IsEmpty());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

struct Watched {
  std::atomic<std::int64_t> held;
  std::atomic<std::int64_t> most;
};

TEST(MachineShareProcessTest, ProcessesThatContendNeverHoldMoreThanThereIs) {
  constexpr std::int64_t kCapacity = 2;
  const TemporaryFolder folder;
  void* memory =
      ::mmap(nullptr, sizeof(Watched), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* watched = new (memory) Watched{};
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    children.push_back(Fork([&] {
      MachineShare share(folder / "share", "study " + std::to_string(child), child + 1);
      const std::int64_t units = child == 0 ? 2 : 1;
      for (int leases = 0; leases < 100;) {
        const std::optional<SlotLease> lease = share.TryTake("cpu", kCapacity, units);
        if (!lease) continue;
        const std::int64_t held = watched->held += units;
        std::int64_t most = watched->most;
        while (held > most && !watched->most.compare_exchange_weak(most, held)) {
        }
        ++leases;
        watched->held -= units;
      }
      if (!share.problem().empty()) ::_exit(1);
    }));
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  EXPECT_EQ(watched->held, 0);
  EXPECT_EQ(watched->most, kCapacity);
  ::munmap(memory, sizeof(Watched));
}

}  // namespace
}  // namespace beamgrid
