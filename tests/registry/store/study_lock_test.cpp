#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "registry/store/store.h"
#include "registry/store/study_lock.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/own_mounts.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A child process that holds the lock until it is killed.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& database) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      const StudyLock lock(database, "study");
      (void)!::write(ends[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char held = 0;
    EXPECT_EQ(::read(ends[0], &held, 1), 1);
    ::close(ends[0]);
  }
  ~Holder() { Kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

TEST(StudyLock, ASecondHolderIsToldWhoTheFirstIs) {
  const TemporaryFolder folder;
  const Holder holder(folder / "beamgrid.db");
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof(host) - 1), 0);
  EXPECT_THAT(
      ErrorText<UsageError>([&] { StudyLock(folder / "beamgrid.db", "study"); }),
      AllOf(HasSubstr("study 'study' in "), HasSubstr("pid " + std::to_string(holder.pid())),
            HasSubstr(std::string(" on ") + host + " since 20"), HasSubstr("wait for it")));
}

TEST(StudyLock, TheKernelFreesADeadHoldersLock) {
  const TemporaryFolder folder;
  Holder holder(folder / "beamgrid.db");
  holder.Kill();
  EXPECT_NO_THROW(StudyLock(folder / "beamgrid.db", "study"));
}

TEST(StudyLock, WhoOnlyLooksSeesWhichStudyIsRunAndHindersNobody) {
  const TemporaryFolder folder;
  static_cast<void>(Store(folder / "beamgrid.db", OpenMode::kReadWrite));
  const RunningStudies runs(folder / "beamgrid.db");
  EXPECT_FALSE(runs.IsRun("study"));
  {
    Holder holder(folder / "beamgrid.db");
    EXPECT_TRUE(runs.IsRun("study"));
    EXPECT_FALSE(runs.IsRun("other"));
    holder.Kill();
    EXPECT_FALSE(runs.IsRun("study"));
  }
  EXPECT_NO_THROW(StudyLock(folder / "beamgrid.db", "study"));
  EXPECT_THAT(ErrorText<Error>([&] { RunningStudies(folder / "none.db"); }), HasSubstr("none.db"));
}

TEST(StudyLock, IsFreeAgainAfterItsHolder) {
  const TemporaryFolder folder;
  auto first = std::make_unique<StudyLock>(folder / "beamgrid.db", "study");
  EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(folder / "beamgrid.db", "study"); }),
              HasSubstr("pid " + std::to_string(::getpid())));
  first.reset();
  EXPECT_NO_THROW(StudyLock(folder / "beamgrid.db", "study"));
}

TEST(StudyLock, LeavesNoFileBehindAndRemovesADeadHolders) {
  const TemporaryFolder folder;
  const auto note = folder / "beamgrid.db.study.lock";
  Holder holder(folder / "beamgrid.db");
  EXPECT_TRUE(std::filesystem::exists(note));
  holder.Kill();
  EXPECT_TRUE(std::filesystem::exists(note)) << "nobody was there to remove it";
  {
    const StudyLock lock(folder / "beamgrid.db", "study");
    EXPECT_THAT(ReadFile(note), HasSubstr("pid " + std::to_string(::getpid())));
    EXPECT_THAT(lock.Noted(), testing::ElementsAre("study"));
    // Who is refused leaves the holder's name alone.
    EXPECT_THROW(StudyLock(folder / "beamgrid.db", "study"), UsageError);
    EXPECT_TRUE(std::filesystem::exists(note));
  }
  EXPECT_FALSE(std::filesystem::exists(note));
  EXPECT_THAT(StudyLock(folder / "beamgrid.db", "other").Noted(), testing::ElementsAre("other"));
}

TEST(StudyLock, StudiesAndDatabasesDoNotHinderEachOther) {
  const TemporaryFolder folder;
  const StudyLock lock(folder / "a.db", "study");
  EXPECT_NO_THROW(StudyLock(folder / "a.db", "other"));
  EXPECT_NO_THROW(StudyLock(folder / "b.db", "study"));
}

TEST(StudyLock, HoldsTheFileHoweverItIsNamed) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "real/deep");
  const Holder holder(folder / "real/b.db");
  std::filesystem::create_symlink("real/b.db", folder / "link.db");
  std::filesystem::create_directory_symlink(folder / "real", folder / "folder");
  std::filesystem::create_symlink("link.db", folder / "link of link.db");
  for (const char* name :
       {"link.db", "link of link.db", "folder/b.db", "real/deep/../b.db", "real/./b.db"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(folder / name, "study"); }),
                HasSubstr("pid " + std::to_string(holder.pid())));
    EXPECT_TRUE(StudyLock(folder / name, "other").IsHeld("study"));
  }
  const auto relative = std::filesystem::relative(folder / "real/b.db");
  EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(relative, "study"); }),
              HasSubstr("pid " + std::to_string(holder.pid())));
  std::filesystem::create_hard_link(folder / "real/b.db", folder / "hard.db");
  EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(folder / "hard.db", "other"); }),
              HasSubstr("2 names"));
}

TEST(StudyLock, HoldsTheFileByAnotherMountOfItsFolder) {
  const TemporaryFolder folder;
  for (const char* name : {"real", "mounted"}) std::filesystem::create_directory(folder / name);
  const Holder holder(folder / "real/b.db");
  const std::string text = InOwnMounts(
      [&] {
        return ::mount((folder / "real").c_str(), (folder / "mounted").c_str(), nullptr, MS_BIND,
                       nullptr) == 0;
      },
      [&] { return ErrorText<UsageError>([&] { StudyLock(folder / "mounted/b.db", "study"); }); });
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_THAT(text, HasSubstr("is being run by pid " + std::to_string(holder.pid())));
}

TEST(StudyLock, KnowsItsFileFromAnotherOfItsName) {
  const TemporaryFolder folder;
  const StudyLock lock(folder / "b.db", "study");
  EXPECT_TRUE(lock.IsOn(folder / "b.db"));
  std::filesystem::rename(folder / "b.db", folder / "moved.db");
  EXPECT_FALSE(lock.IsOn(folder / "b.db"));
  EXPECT_TRUE(lock.IsOn(folder / "moved.db"));
  WriteFileAtomically(folder / "b.db", "");
  EXPECT_FALSE(lock.IsOn(folder / "b.db"));
}

TEST(StudyLock, SqliteAndTheLockLeaveEachOtherAlone) {
  const TemporaryFolder folder;
  const StudyLock lock(folder / "b.db", "study");
  {
    Store store(folder / "b.db", OpenMode::kReadWrite);
    store.OpenStudy({.name = "study"});
    EXPECT_FALSE(lock.IsHeld("study")) << "by ourselves";
  }
  // SQLite has closed the file by now, which would release a lock of the process.
  EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(folder / "b.db", "study"); }),
              HasSubstr("pid " + std::to_string(::getpid())));
}

TEST(StudyLock, AFolderThatCannotHoldItIsAnError) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorText<Error>([&] { StudyLock(folder / "missing/a.db", "study"); }),
              HasSubstr("cannot open the database, whose folder is not there (mkdir -p " +
                        (folder / "missing").string() + ")"));
}

TEST(StudyLock, OneLockMayHoldSeveralStudies) {
  const TemporaryFolder folder;
  const std::filesystem::path database = folder / "beamgrid.db";
  {
    StudyLock lock(database, "one");
    lock.Take("two");
    EXPECT_FALSE(lock.IsHeld("two")) << "not by anybody else";
    EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(database, "two"); }),
                HasSubstr("study 'two' in " + database.string() + " is being run by pid "));
    const StudyLock other(database, "three");
    EXPECT_TRUE(lock.IsHeld("three"));
    EXPECT_THROW(lock.Take("three"), UsageError);
  }
  const StudyLock free(database, "two");
}

TEST(RunningStudies, SaysWhoRunsAStudyAndTakesNothing) {
  const TemporaryFolder folder;
  const std::filesystem::path database = folder / "beamgrid.db";
  EXPECT_THAT(ErrorText<Error>([&] { RunningStudies{database}; }),
              HasSubstr("cannot open the database"));
  Holder holder(database);
  const RunningStudies running(database);
  EXPECT_TRUE(running.IsRun("study"));
  EXPECT_FALSE(running.IsRun("another"));
  EXPECT_THAT(running.Holder("study"), HasSubstr("pid " + std::to_string(holder.pid()) + " on "));
  holder.Kill();
  EXPECT_FALSE(running.IsRun("study"));
  EXPECT_NO_THROW(StudyLock(database, "study")) << "asking holds nothing";
}

}  // namespace
}  // namespace beamgrid
