// What tells a file from the one that was looked at before.

#include "registry/util/file_stamp.h"

#include <gtest/gtest.h>

#include <fstream>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

class FileStampTest : public testing::Test {
 protected:
  FileStampTest() { WriteFileAtomically(path_, "12345"); }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "a";
};

TEST_F(FileStampTest, StaysWhileNobodyTouchesTheFile) {
  const auto before = StampOf(path_);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->size, 5U);
  (void)ReadFile(path_);
  EXPECT_EQ(StampOf(path_), before);
}

TEST_F(FileStampTest, TellsContentOfTheSameSizeAndTime) {
  const auto before = StampOf(path_);
  const auto time = fs::last_write_time(path_);
  std::ofstream(path_) << "54321";
  // A hundred years on: the stamp must not depend on how fine the file system's clock is.
  fs::last_write_time(path_, time + std::chrono::hours(24 * 36500));
  EXPECT_NE(StampOf(path_), before);
}

TEST_F(FileStampTest, TellsAnotherFileOfTheSameName) {
  const auto before = StampOf(path_);
  fs::rename(path_, folder_ / "b");
  fs::copy_file(folder_ / "b", path_);
  EXPECT_NE(StampOf(path_), before);
}

TEST_F(FileStampTest, FollowsLinks) {
  fs::create_symlink(path_, folder_ / "link");
  EXPECT_EQ(StampOf(folder_ / "link"), StampOf(path_));
}

TEST_F(FileStampTest, ThereIsNoneOfAFileThatIsGone) {
  EXPECT_FALSE(StampOf(folder_ / "nothing"));
  EXPECT_FALSE(StampOf(path_ / "below a file"));
}

TEST_F(FileStampTest, ANameThatCannotBeLookedAtIsAnError) {
  EXPECT_THROW((void)StampOf(folder_ / std::string(5000, 'x')), Error);
}

TEST_F(FileStampTest, OneThatMustBeThereIsNamedWhereItIsNot) {
  EXPECT_EQ(RequireStamp(path_), StampOf(path_));
  EXPECT_EQ(ErrorText<Error>([&] { (void)RequireStamp(folder_ / "nothing"); }),
            (folder_ / "nothing").string() + ": cannot open: No such file or directory");
}

}  // namespace
}  // namespace beamgrid
