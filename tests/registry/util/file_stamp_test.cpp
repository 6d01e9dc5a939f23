#include "registry/util/file_stamp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <utime.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/unique_fd.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

class FileStampTest : public ::testing::Test {
 protected:
  fs::path Write(const std::string& name, const std::string& content) {
    WriteFileAtomically(folder_ / name, content);
    return folder_ / name;
  }
  TemporaryFolder folder_;
};

TEST_F(FileStampTest, AFileThatNobodyTouchedKeepsItsStamp) {
  const fs::path file = Write("a", "12345");
  const FileStamp stamp = StampOf(file);
  EXPECT_EQ(stamp.size, 5U);
  EXPECT_NE(stamp.inode, 0U);
  EXPECT_EQ(StampOf(file), stamp);
}

TEST_F(FileStampTest, NamesOfOneFileHaveOneStampAndCopiesHaveNot) {
  const fs::path file = Write("a", "12345");
  fs::create_symlink(file, folder_ / "link");
  EXPECT_EQ(StampOf(folder_ / "link"), StampOf(file));
  fs::create_hard_link(file, folder_ / "hard");
  EXPECT_EQ(StampOf(folder_ / "hard"), StampOf(file));
  EXPECT_FALSE(StampOf(Write("b", "12345")).SameFile(StampOf(file)));
}

TEST_F(FileStampTest, AnotherFileUnderTheNameIsAnotherFile) {
  const fs::path file = Write("a", "12345");
  const UniqueFd open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const FileStamp before = StampOf(file);
  Write("a", "54321");
  EXPECT_FALSE(StampOf(file).SameFile(before));
  EXPECT_TRUE(StampOf(open.get(), file).SameFile(before)) << "who has it open has the old one";
}

TEST_F(FileStampTest, AnOpenFolderHasNone) {
  const UniqueFd open(::open(folder_.path().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ErrorText<InputError>([&] { std::ignore = StampOf(open.get(), "named"); }),
            "named: is no regular file");
}

TEST_F(FileStampTest, ATimeThatIsSetBackShows) {
  const fs::path file = Write("a", "12345");
  const FileStamp before = StampOf(file);
  struct utimbuf times = {.actime = 1, .modtime = 1'000};
  ASSERT_EQ(::utime(file.c_str(), &times), 0);
  EXPECT_EQ(StampOf(file).modified_ns, 1'000'000'000'000);
  EXPECT_NE(StampOf(file), before);
  EXPECT_TRUE(StampOf(file).SameFile(before));
}

TEST_F(FileStampTest, AFileThatIsNotThereIsNamed) {
  const fs::path file = folder_ / "none";
  EXPECT_EQ(ErrorText<Error>([&] { std::ignore = StampOf(file); }),
            file.string() + ": cannot look at it: No such file or directory");
}

TEST_F(FileStampTest, AFileIsFoundByItsNameInAFolder) {
  const fs::path file = Write("a", "12345");
  const UniqueFd folder(::open(folder_.path().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(StampIn(folder.get(), "a"), StampOf(file));
  EXPECT_EQ(StampIn(folder.get(), file), StampOf(file)) << "an absolute name";
  EXPECT_FALSE(StampIn(folder.get(), "none"));
}

}  // namespace
}  // namespace beamgrid
