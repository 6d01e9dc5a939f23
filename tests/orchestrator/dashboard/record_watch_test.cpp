#include "orchestrator/dashboard/record_watch.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "registry/store/database_file.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace record_watch_test {

using testing::HasSubstr;

namespace fs = std::filesystem;

class RecordWatchTest : public testing::Test {
 protected:
  RecordWatchTest() { Fill(path_, "study"); }

  static void Fill(const fs::path& path, const std::string& name) {
    Store store(path, OpenMode::kReadWrite);
    static_cast<void>(store.OpenStudy(ExampleStudy(name)));
  }
  /// Looks until nothing has changed any more: what was written just now is looked at twice.
  void Settle() {
    while (watch_.Look()) static_cast<void>(watch_.store());
  }
  [[nodiscard]] std::size_t Studies() { return watch_.store().Studies().size(); }

  TemporaryFolder folder_;
  const fs::path path_ = folder_ / "r.db";
  RecordWatch watch_{path_, [this] { return std::make_unique<Store>(path_, OpenMode::kReadOnly); }};
};

TEST_F(RecordWatchTest, SeesEachCommitAndNothingElse) {
  EXPECT_TRUE(watch_.Look());
  EXPECT_EQ(Studies(), 1U);
  Settle();
  EXPECT_FALSE(watch_.Look());
  Store writer(path_, OpenMode::kReadWrite);
  for (int i = 0; i < 5; ++i) {
    static_cast<void>(writer.OpenStudy(ExampleStudy("s" + std::to_string(i))));
    EXPECT_TRUE(watch_.Look());
    EXPECT_EQ(Studies(), 2U + static_cast<std::size_t>(i));
  }
  writer.Settle();
  Settle();
  EXPECT_EQ(Studies(), 6U);
}

TEST_F(RecordWatchTest, SeesAnotherFileInItsPlace) {
  Settle();
  Fill(folder_ / "other.db", "a");
  Fill(folder_ / "other.db", "b");
  fs::rename(folder_ / "other.db", path_);
  EXPECT_TRUE(watch_.Look());
  EXPECT_EQ(Studies(), 2U);
}

TEST_F(RecordWatchTest, FollowsALinkThatComesToLeadElsewhere) {
  Fill(folder_ / "other.db", "a");
  Fill(folder_ / "other.db", "b");
  const fs::path link = folder_ / "link.db";
  fs::create_symlink(path_, link);
  RecordWatch watch(link, [&] { return std::make_unique<Store>(link, OpenMode::kReadOnly); });
  EXPECT_TRUE(watch.Look());
  EXPECT_EQ(watch.store().Studies().size(), 1U);
  fs::remove(link);
  fs::create_symlink(folder_ / "other.db", link);
  EXPECT_TRUE(watch.Look());
  EXPECT_EQ(watch.store().Studies().size(), 2U);
}

TEST_F(RecordWatchTest, AMissingRecordIsToldAndComesBack) {
  Settle();
  fs::rename(path_, folder_ / "away.db");
  EXPECT_TRUE(watch_.Look());
  EXPECT_NE(ErrorText<std::exception>([&] { static_cast<void>(watch_.store()); }), "");
  EXPECT_TRUE(watch_.Look()) << "as long as it is not there it may come back";
  fs::rename(folder_ / "away.db", path_);
  EXPECT_TRUE(watch_.Look());
  EXPECT_EQ(Studies(), 1U);
}

TEST_F(RecordWatchTest, APipeInItsPlaceIsToldAndNotWaitedFor) {
  Settle();
  const fs::path kept = folder_ / "kept.db";
  fs::rename(path_, kept);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(watch_.Look());
  EXPECT_THROW(static_cast<void>(watch_.store()), std::exception);
  fs::rename(kept, path_);
  EXPECT_TRUE(watch_.Look());
  EXPECT_EQ(Studies(), 1U);
}

TEST_F(RecordWatchTest, AnotherVersionIsToldUntilItIsGone) {
  Settle();
  const std::string sound = ReadFile(path_);
  {
    SQLite::Database raw(path_.string(), SQLite::OPEN_READWRITE);
    raw.exec("PRAGMA user_version = 999");
  }
  EXPECT_TRUE(watch_.Look());
  EXPECT_THAT(ErrorText<Error>([&] { static_cast<void>(watch_.store()); }),
              HasSubstr("schema version 999"));
  {
    SQLite::Database raw(path_.string(), SQLite::OPEN_READWRITE);
    raw.exec("PRAGMA user_version = 7");
  }
  EXPECT_TRUE(watch_.Look());
}

TEST_F(RecordWatchTest, KnowsWhichStudyIsRun) {
  Settle();
  EXPECT_FALSE(watch_.running().IsRun("study"));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const StudyLock lock(path_, "study");
    (void)!::write(ends[1], "x", 1);
    for (;;) ::pause();
  }
  char held = 0;
  ASSERT_EQ(::read(ends[0], &held, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_TRUE(watch_.Look()) << "that it is run is news";
  static_cast<void>(watch_.store());
  EXPECT_TRUE(watch_.running().IsRun("study"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(watch_.Look()) << "that it is run no more too";
  static_cast<void>(watch_.store());
  EXPECT_FALSE(watch_.running().IsRun("study"));
}

}  // namespace record_watch_test
}  // namespace beamgrid
