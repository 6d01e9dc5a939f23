// The database as a file: copied, deleted, replaced, linked to, mounted, without permission to
// write.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <functional>
#include <memory>

#include "registry/store/database_file.h"
#include "registry/store/store.h"
#include "registry/store/study_lock.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/own_mounts.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class StoreFileTest : public testing::Test {
 protected:
  static std::size_t StudiesIn(const fs::path& database) {
    return Store(database, OpenMode::kReadOnly).Studies().size();
  }
  /// A database of a process that was killed: all of it is in its log.
  void LeaveALog() const {
    Store store(folder_ / "live.db", OpenMode::kReadWrite);
    store.OpenStudy(ExampleStudy());
    for (const char* suffix : {"", "-wal"}) {
      fs::copy_file((folder_ / "live.db").string() + suffix, path_.string() + suffix);
    }
  }
  [[nodiscard]] std::string Refusal(OpenMode mode = OpenMode::kReadOnly) const {
    return ErrorText<UsageError>([&] { Store(path_, mode); });
  }

  const TemporaryFolder folder_;
  const fs::path path_ = folder_ / "beamgrid.db";
};

TEST_F(StoreFileTest, TheFileAloneIsWholeOnceSettled) {
  Store store(path_, OpenMode::kReadWrite);
  store.OpenStudy(ExampleStudy());
  store.Settle();
  fs::copy_file(path_, folder_ / "copy.db");
  EXPECT_EQ(StudiesIn(folder_ / "copy.db"), 1U);
  store.OpenStudy(ExampleStudy("second"));
  fs::copy_file(path_, folder_ / "early.db");
  EXPECT_EQ(StudiesIn(folder_ / "early.db"), 1U) << "what is not settled is in the log";
  store.Settle();
  fs::copy_file(path_, folder_ / "late.db");
  EXPECT_EQ(StudiesIn(folder_ / "late.db"), 2U);
}

TEST_F(StoreFileTest, ACopyOfALiveDatabaseWithoutItsLogIsExplained) {
  LeaveALog();
  EXPECT_EQ(StudiesIn(path_), 1U);
  // As a copy looks whose original had not settled anything yet: a file in the log's mode, and
  // empty.
  SQLite::Database((folder_ / "empty.db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("PRAGMA journal_mode = WAL");
  const std::string text =
      ErrorText<Error>([&] { Store(folder_ / "empty.db", OpenMode::kReadOnly); });
  EXPECT_THAT(text, AllOf(HasSubstr("holds no record"), HasSubstr("empty.db-wal"),
                          HasSubstr("beamgrid backup")));
}

TEST_F(StoreFileTest, ALogWithoutItsDatabaseIsNotThrownAway) {
  LeaveALog();
  const std::string log = ReadFile(LogOf(path_));
  fs::remove(path_);
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
    EXPECT_THAT(Refusal(mode), AllOf(HasSubstr("is not there, but its log"),
                                     HasSubstr("put the database file back beside it")));
  }
  EXPECT_THAT(ErrorText<UsageError>([&] { StudyLock(path_, "study"); }), HasSubstr("its log"));
  EXPECT_FALSE(fs::exists(path_));
  WriteFileAtomically(path_, "");
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
    EXPECT_THAT(Refusal(mode), HasSubstr("is empty, but its log"));
  }
  EXPECT_EQ(ReadFile(LogOf(path_)), log);
}

TEST_F(StoreFileTest, WhatIsNoFileOfItsOwnIsRefused) {
  fs::create_directory(path_);
  EXPECT_THAT(Refusal(OpenMode::kReadWrite), HasSubstr("is a folder"));
  EXPECT_THAT(ErrorText<UsageError>([] { Store("/dev/null", OpenMode::kReadWrite); }),
              HasSubstr("/dev/null: is no file"));
}

TEST_F(StoreFileTest, ASecondNameIsRefusedALinkIsFollowed) {
  Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  fs::create_directory(folder_ / "other");
  fs::create_symlink(path_, folder_ / "other/link.db");
  {
    Store linked(folder_ / "other/link.db", OpenMode::kReadWrite);
    linked.OpenStudy(ExampleStudy("second"));
    EXPECT_TRUE(fs::exists(LogOf(path_)));
    EXPECT_FALSE(fs::exists(LogOf(folder_ / "other/link.db")));
    EXPECT_EQ(StudiesIn(path_), 2U);
  }
  fs::create_hard_link(path_, folder_ / "other/hard.db");
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
    EXPECT_THAT(Refusal(mode), AllOf(HasSubstr("has 2 names"), HasSubstr("symbolic link")));
  }
}

TEST_F(StoreFileTest, AFileThatIsMountedWithoutItsFolderIsRefused) {
  Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  WriteFileAtomically(folder_ / "mounted.db", "");
  const std::string text = InOwnMounts(
      [&] {
        return ::mount(path_.c_str(), (folder_ / "mounted.db").c_str(), nullptr, MS_BIND,
                       nullptr) == 0;
      },
      [&] {
        return ErrorText<UsageError>([&] { Store(folder_ / "mounted.db", OpenMode::kReadOnly); });
      });
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_THAT(text, HasSubstr("mount the folder instead"));
}

TEST_F(StoreFileTest, DeletedAndReplacedFilesAreNoticedAndTheirContentIsSaved) {
  Store store(path_, OpenMode::kReadWrite);
  store.OpenStudy(ExampleStudy());
  const OpenDatabaseFiles files(path_);
  EXPECT_EQ(files.Fate(), "");
  fs::rename(LogOf(path_), folder_ / "log");
  EXPECT_THAT(files.Fate(), HasSubstr("-wal: was deleted"));
  fs::rename(folder_ / "log", LogOf(path_));
  EXPECT_EQ(files.Fate(), "");
  fs::remove(path_);
  EXPECT_THAT(files.Fate(), HasSubstr("beamgrid.db: was deleted"));
  store.OpenStudy(ExampleStudy("second"));
  WriteFileAtomically(path_, "something else");
  EXPECT_THAT(files.Fate(), HasSubstr("was replaced by another file"));
  store.CopyTo(folder_ / "saved.db", folder_ / "runs");
  EXPECT_EQ(StudiesIn(folder_ / "saved.db"), 2U);
}

TEST_F(StoreFileTest, TheFilesOfTheNextDatabaseAreLeftAlone) {
  auto store = std::make_unique<Store>(path_, OpenMode::kReadWrite);
  store->OpenStudy(ExampleStudy());
  const OpenDatabaseFiles files(path_);
  EXPECT_TRUE(files.HasItsLog());
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path_.string() + suffix);
  WriteFileAtomically(path_, "another database");
  WriteFileAtomically(LogOf(path_), "its log");
  EXPECT_FALSE(files.HasItsLog());
  store.reset();
  EXPECT_EQ(ReadFile(path_), "another database");
  EXPECT_EQ(ReadFile(LogOf(path_)), "its log");
}

TEST_F(StoreFileTest, ACopyNeedsNothingBesideItAndKnowsItsRunsFolder) {
  Store store(path_, OpenMode::kReadWrite);
  store.OpenStudy(ExampleStudy());
  fs::create_directory(folder_ / "far");
  store.CopyTo(folder_ / "far/copy.db", folder_ / "far/files");
  store.OpenStudy(ExampleStudy("later"));
  EXPECT_EQ(Store(folder_ / "far/copy.db", OpenMode::kReadOnly).runs(), folder_ / "far/files");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "far"), {}), 1);
  EXPECT_EQ(StudiesIn(folder_ / "far/copy.db"), 1U);
  EXPECT_THAT(ErrorText<Error>([&] { store.CopyTo(folder_ / "far/copy.db", ""); }),
              HasSubstr("is there already"));
}

// ---- Without permission to write --------------------------------------------------------------

class ReadOnlyFolderTest : public StoreFileTest {
 protected:
  /// What `check` returns in a process for which the test's folder is read-only.
  std::string InReadOnly(const std::function<std::string()>& check) const {
    return InOwnMounts([&] { return MountReadOnly(folder_.path()); }, check);
  }
  std::string StudiesText() const { return std::to_string(StudiesIn(path_)); }
};

TEST_F(ReadOnlyFolderTest, AnArchivedRecordIsRead) {
  Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  ASSERT_FALSE(fs::exists(LogOf(path_)));
  const std::string text = InReadOnly([&] { return StudiesText(); });
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_EQ(text, "1");
}

TEST_F(ReadOnlyFolderTest, TheLogOfAKilledWriterIsReadToo) {
  LeaveALog();
  ASSERT_TRUE(fs::exists(LogOf(path_)));
  const std::string text = InReadOnly([&] { return StudiesText(); });
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_EQ(text, "1");
  EXPECT_FALSE(fs::exists(path_.string() + "-shm"));
}

TEST_F(ReadOnlyFolderTest, ALivingWriterIsSeen) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  // In a process of its own: a child would inherit what SQLite knows of an open file.
  const pid_t writer = ::fork();
  if (writer == 0) {
    Store store(path_, OpenMode::kReadWrite);
    store.OpenStudy(ExampleStudy());
    store.Settle();
    store.OpenStudy(ExampleStudy("second"));
    (void)!::write(ends[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  const std::string text = InReadOnly([&] { return StudiesText(); });
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
  for (const int end : ends) ::close(end);
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_EQ(text, "2");
}

TEST_F(ReadOnlyFolderTest, NamesThatAnAddressWouldMistake) {
  const fs::path odd = folder_ / "a?b=c#d%20 é.db";
  Store(odd, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  const std::string text = InReadOnly([&] { return std::to_string(StudiesIn(odd)); });
  if (text == "skipped") GTEST_SKIP() << "no mounts of our own here";
  EXPECT_EQ(text, "1");
}

}  // namespace
}  // namespace beamgrid
