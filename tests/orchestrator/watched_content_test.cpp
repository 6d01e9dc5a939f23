#include "orchestrator/watched_content.h"

#include <gmock/gmock.h>

#include <chrono>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

class WatchedContentTest : public testing::Test {
 protected:
  WatchedContentTest() {
    for (const char* name : {"train0", "train1", "validate0"}) {
      Record(name, name);
      // Clocks of file systems have ticks: what is written in one has the same time.
      fs::last_write_time(Path(name), fs::last_write_time(Path(name)) - std::chrono::hours(1));
    }
    data_.format = "frame";
    data_.train = {Path("train0"), Path("train1")};
    data_.validate = {Path("validate0")};
  }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  /// A file of one record whose size does not depend on the first 6 letters.
  void Record(const std::string& name, const std::string& text) const {
    WriteRecords(Path(name), {text.substr(0, 6) + std::string(100, '.')});
  }
  WatchedContent Watched() const {
    WatchedContent watch(data_);
    watch.SetDigest(DataDigest(data_));
    return watch;
  }

  TemporaryFolder folder_;
  DataSpec data_;
};

TEST_F(WatchedContentTest, NothingChangesByLooking) {
  WatchedContent watch = Watched();
  const std::string stamp = watch.DataStamp();
  EXPECT_EQ(watch.Change(), std::nullopt);
  EXPECT_EQ(watch.DataStamp(), stamp);
}

TEST_F(WatchedContentTest, AFileOfTheSameSizeWithOtherContentIsNamed) {
  for (const char* name : {"train1", "validate0"}) {
    WatchedContent watch = Watched();
    Record(name, "another content");
    EXPECT_THAT(watch.Change(),
                Optional(AllOf(HasSubstr(Path(name) + ": has changed while the study ran"),
                               HasSubstr("Run the recipe again"))));
    EXPECT_TRUE(watch.Change()) << "it stays changed";
  }
}

TEST_F(WatchedContentTest, AFileThatIsReplacedByRenamingIsNoticed) {
  WatchedContent watch = Watched();
  Record("new", "another content");
  fs::rename(Path("new"), Path("train0"));
  EXPECT_TRUE(watch.Change());
}

TEST_F(WatchedContentTest, WhatIsChangedWhileTheDigestIsMadeIsNoticed) {
  WatchedContent watch(data_);
  watch.SetDigest(DataDigest(data_));
  const std::string before = DataDigest(data_);
  Record("train0", "another content");
  watch.SetDigest(before);
  EXPECT_TRUE(watch.Change());
}

TEST_F(WatchedContentTest, TheSameBytesAreTheSameContentUnderAnotherStamp) {
  WatchedContent watch = Watched();
  const std::string stamp = watch.DataStamp();
  fs::copy_file(Path("train0"), Path("copy"));
  fs::rename(Path("copy"), Path("train0"));
  EXPECT_EQ(watch.Change(), std::nullopt);
  EXPECT_NE(watch.DataStamp(), stamp) << "an attempt may have begun on something else";
}

TEST_F(WatchedContentTest, AFileThatIsGoneIsNamed) {
  WatchedContent watch = Watched();
  fs::remove(Path("train1"));
  EXPECT_THAT(watch.Change(), Optional(HasSubstr(Path("train1") + ": is gone")));
}

TEST_F(WatchedContentTest, SeveralFilesAreCounted) {
  WatchedContent watch = Watched();
  Record("train0", "another content");
  Record("train1", "another content");
  EXPECT_THAT(watch.Change(), Optional(HasSubstr(Path("train0") + " and 1 more: ")));
}

TEST_F(WatchedContentTest, FilesThatModelsNameAreWatchedToo) {
  WriteFileAtomically(Path("p.so"), "plugin");
  WatchedContent watch = Watched();
  watch.Add(LookAtFile("p.so", folder_.path()));
  WriteFileAtomically(Path("p.so"), "plugin");
  EXPECT_EQ(watch.Change(), std::nullopt);
  WriteFileAtomically(Path("p.so"), "pluGin");
  EXPECT_THAT(watch.Change(), Optional(HasSubstr(Path("p.so") + ": has changed")));
  fs::remove(Path("p.so"));
  EXPECT_THAT(watch.Change(), Optional(HasSubstr("p.so: is gone")));
}

}  // namespace
}  // namespace beamgrid
