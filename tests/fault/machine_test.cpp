// Faults of the machine that need no interception: a database that somebody holds, a small file
// system, few descriptors, folders that go away; and a clock that jumps.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/fault/faulty_study.h"
#include "tests/fault/processes.h"

namespace beamgrid {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using With = FaultyStudy::With;
namespace fs = std::filesystem;

TEST(Machine, ADatabaseThatIsHeldStopsTheStudyAndLosesNothing) {
  FaultyStudy study(TwoTrials());
  Process run(study.RunCommand(With::kNoFaults), study.path());
  ASSERT_TRUE(run.WaitForLine("started on"));
  SQLite::Database holder(study.path() / "beamgrid.db", SQLite::OPEN_READWRITE, 60'000);
  {
    SQLite::Transaction held(holder, SQLite::TransactionBehavior::IMMEDIATE);
    const Ended ended = run.Wait();
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("error: "), HasSubstr("another process holds it")));
  }
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(2);
}

TEST(Machine, WhereTheRecordCannotBeWrittenRunningTrialsWriteTheirCheckpoints) {
  RecipeText recipe = TwoTrials();
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [120, 30]\n";
  recipe.rest = "";
  FaultyStudy study(recipe);
  Process run(study.RunCommand(With::kNoFaults), study.path());
  ASSERT_TRUE(run.WaitForLine("started on"));
  SQLite::Database breaker(study.path() / "beamgrid.db", SQLite::OPEN_READWRITE, 60'000);
  breaker.exec(
      "CREATE TRIGGER broken BEFORE UPDATE ON trial WHEN NEW.state = 'complete'"
      " BEGIN SELECT RAISE(ABORT, 'no more'); END");
  const Ended ended = run.Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("running trials write their checkpoints"),
                               HasSubstr("error: "), HasSubstr("no more")));
  EXPECT_EQ(AuditOf(study.Executions()).ended, 1) << "only the short one has come to its end";
  breaker.exec("DROP TRIGGER broken");
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(1);
}

TEST(Machine, SomebodyWhoReadsTheDatabaseIsNoHindrance) {
  FaultyStudy study(TwoTrials());
  Process run(study.RunCommand(With::kNoFaults), study.path());
  ASSERT_TRUE(run.WaitForLine("started on"));
  SQLite::Database reader(study.path() / "beamgrid.db");
  SQLite::Transaction reading(reader);
  ASSERT_TRUE(SQLite::Statement(reader, "SELECT count(*) FROM trial").executeStep());
  const Ended ended = run.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, study.undisturbed().out);
}

TEST(Machine, FewDescriptorsAreEnoughOrAreAskedFor) {
  FaultyStudy study(TwoTrials());
  for (const int limit : {5, 8, 11, 14, 17, 20}) {
    SCOPED_TRACE(limit);
    study.Forget();
    std::string command = "ulimit -n " + std::to_string(limit) + "; exec";
    for (const std::string& word : study.RunCommand(With::kNoFaults)) command += " '" + word + "'";
    const Ended ended = Process({"/bin/sh", "-c", command}, study.path()).Wait();
    EXPECT_THAT(ended.exit_code, AnyOf(0, 1)) << ended.err;
    if (ended.exit_code != 0) {
      EXPECT_THAT(ended.err, HasSubstr("error: "));
    }
    study.ExpectRecordReadable();
    study.ExpectUndisturbedEnd();
    study.ExpectNothingRepeated(4);
  }
}

TEST(Machine, AFileBeyondTheLimitStopsTheStudyAndKillsNobody) {
  FaultyStudy study(TwoTrials());
  int stopped = 0;
  for (const int blocks : {1, 8, 64, 256}) {
    SCOPED_TRACE(blocks);
    study.Forget();
    std::string command = "ulimit -f " + std::to_string(blocks) + "; exec";
    for (const std::string& word : study.RunCommand(With::kNoFaults)) command += " '" + word + "'";
    const Ended ended = Process({"/bin/sh", "-c", command}, study.path()).Wait();
    EXPECT_THAT(ended.exit_code, AnyOf(0, 1)) << ended.err;
    if (ended.exit_code != 0) {
      ++stopped;
      EXPECT_THAT(ended.err, AllOf(HasSubstr("error: "), Not(HasSubstr("failed for good"))));
    }
    study.ExpectUndisturbedEnd();
    study.ExpectNothingRepeated(4);
  }
  EXPECT_GE(stopped, 1) << "no limit was low enough to test anything";
}

TEST(Machine, AnyFaultOfTheFileSystemStopsTheStudyAndIsNoTrials) {
  FaultyStudy study(TwoTrials());
  for (const Fault fault : {Fault::kStaleHandle, Fault::kNotConnected, Fault::kNoQuota,
                            Fault::kServerGone, Fault::kLargeFile}) {
    SCOPED_TRACE(static_cast<int>(fault));
    study.Forget();
    study.faults().Set(kWorkerProgram, fault);
    const Ended ended = study.Run(With::kFaults);
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("error: stopped: "), HasSubstr("run again")));
    EXPECT_EQ(study.Query("SELECT DISTINCT state FROM trial"), "state\nwaiting\n");
    study.ExpectUndisturbedEnd();
  }
}

TEST(Machine, OneThatWasFrozenHasNoHungWorkersAndNoLateOnes) {
  RecipeText recipe = TwoTrials();
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [40, 1]\n";
  recipe.rest = "";
  recipe.resources =
      "devices = [\"cpu\"]\nslots_per_device = 1\nretries = 0\nheartbeat_timeout = \"5s\"";
  FaultyStudy study(recipe);
  Process run(study.RunCommand(With::kNoFaults), study.path());
  ASSERT_TRUE(run.WaitForLine("started on"));
  for (int freeze = 0; freeze < 2; ++freeze) {
    WaitUntil("a worker is there", [&] { return !WorkersOf(run.pid()).empty(); });
    const std::vector<pid_t> workers = WorkersOf(run.pid());
    Freeze(run.pid());
    for (const pid_t worker : workers) Freeze(worker);
    // Longer than the timeout; how long exactly is all the same.
    std::this_thread::sleep_for(std::chrono::seconds(7));
    run.Signal(SIGCONT);
    for (const pid_t worker : workers) ::kill(worker, SIGCONT);
  }
  const Ended ended = run.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, study.undisturbed().out);
  study.ExpectNothingRepeated(0);
}

TEST(Machine, AWorkerWithoutRoomStopsTheStudyAndIsNotBlamed) {
  FaultyStudy study(TwoTrials());
  study.faults().Set(kWorkerProgram, Fault::kNoSpace);
  const Ended ended = study.Run(With::kFaults);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("error: stopped: "), HasSubstr("runs/small/"),
                               HasSubstr("make room on the disk and run again")));
  EXPECT_EQ(study.Query("SELECT count(*) > 0 AS met FROM attempt WHERE outcome = 'environment'"),
            "met\n1\n");
  EXPECT_EQ(study.Query("SELECT DISTINCT state FROM trial"), "state\nwaiting\n");
  study.ExpectUndisturbedEnd();
}

/// A file system of a few KiB in memory.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& path) : path_(path) { fs::create_directories(path); }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// False where this process may not.
  bool Mount(int kib) {
    const std::string size = "size=" + std::to_string(kib) + "k";
    const unsigned long flags = mounted_ ? MS_REMOUNT : 0;
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", flags, size.c_str()) == 0 || mounted_;
    return mounted_;
  }
  void Unmount() {
    ::umount2(path_.c_str(), MNT_DETACH);
    mounted_ = false;
  }

 private:
  fs::path path_;
  bool mounted_ = false;
};

TEST(Machine, AFullDiskStopsTheStudyUntilThereIsRoom) {
  const StudyFolder folder;
  folder.WriteRecipe(TwoTrials());
  const Ended undisturbed =
      folder.Run({"run", "recipe.toml", "--db", "undisturbed.db", "--runs", "undisturbed"});
  SmallDisk disk(folder.path() / "disk");
  if (!disk.Mount(1)) GTEST_SKIP() << "may not mount a small disk: " << std::strerror(errno);
  disk.Unmount();
  const std::vector<std::string> run = {"run",       "recipe.toml", "--db",
                                        "disk/b.db", "--runs",      "disk/runs"};
  int stopped = 0;
  for (const int kib : {8, 64, 144, 216, 264, 300}) {
    SCOPED_TRACE(std::to_string(kib) + " KiB");
    ASSERT_TRUE(disk.Mount(kib));
    const Ended full = folder.Run(run);
    EXPECT_THAT(full.exit_code, AnyOf(0, 1)) << full.err;
    if (full.exit_code == 1) {
      ++stopped;
      EXPECT_THAT(full.err, AllOf(HasSubstr("error: "), HasSubstr("make room on the disk")));
    }
    ASSERT_TRUE(disk.Mount(64 << 10));
    const Ended ended = folder.Run(run);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, undisturbed.out);
    disk.Unmount();
  }
  EXPECT_GE(stopped, 4) << "the disks were not small enough to test anything";
}

/// Copies what `from` holds over `to`, as somebody would who found the folder again.
void PutBack(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

TEST(Machine, ARunsFolderThatGoesAwayInMidRun) {
  RecipeText recipe = TwoTrials();
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [60, 1]\n";
  recipe.rest = "";
  FaultyStudy study(recipe);
  Process run(study.RunCommand(With::kNoFaults), study.path());
  ASSERT_TRUE(run.WaitForLine(": complete"));
  fs::rename(study.path() / "runs", study.path() / "away");
  const Ended ended = run.Wait();
  EXPECT_THAT(ended.exit_code, AnyOf(0, 1)) << ended.err;
  PutBack(study.path() / "away", study.path() / "runs");
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(3);
}

TEST(Machine, ARunsFolderThatIsGoneAfterTheRun) {
  FaultyStudy study(TwoTrials());
  ASSERT_EQ(study.Run(With::kNoFaults).exit_code, 0);
  fs::rename(study.path() / "runs", study.path() / "away");
  const Ended ended = study.Run(With::kNoFaults);
  EXPECT_EQ(ended.exit_code, 3) << "all is trained, only the ensemble cannot be made";
  EXPECT_THAT(ended.err, AllOf(HasSubstr("error: "), HasSubstr("predictions.bin")));
  fs::rename(study.path() / "away", study.path() / "runs");
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(0);
}

TEST(Machine, AJumpOfTheClockChangesNothing) {
  constexpr std::int64_t kTenDays = 10 * 24 * 3600;
  FaultyStudy study(TwoTrials());
  for (const char* program : {kOrchestratorProgram, kWorkerProgram}) {
    study.faults().Set(program, Fault::kClockJump, kEver);
    ASSERT_EQ(study.Run(With::kFaults).exit_code, 0);
    const std::int64_t calls = study.faults().seen();
    ASSERT_GT(calls, 0);
    for (const std::int64_t seconds : {kTenDays, -kTenDays}) {
      SCOPED_TRACE(std::string(program) + " " + std::to_string(seconds) + " s");
      study.Forget();
      study.faults().SetClock(seconds);
      study.faults().Set(program, Fault::kClockJump, calls / 2);
      const Ended ended = study.Run(With::kFaults);
      EXPECT_GT(study.faults().hits(), 0);
      EXPECT_EQ(ended.exit_code, 0) << ended.err;
      EXPECT_EQ(ended.out, study.undisturbed().out);
      study.ExpectUndisturbedEnd();
      study.ExpectNothingRepeated(0);
    }
    study.Forget();
  }
}

}  // namespace
}  // namespace beamgrid
