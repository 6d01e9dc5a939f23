#include "registry/util/files.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Files, WritesAndReadsBytesAsTheyAre) {
  const TemporaryFolder folder;
  const std::string content("a\0\r\n\xff", 5);
  WriteFileAtomically(folder / "new/file", content);
  EXPECT_EQ(ReadFile(folder / "new/file"), content);
  WriteFileAtomically(folder / "new/file", "");
  EXPECT_EQ(ReadFile(folder / "new/file"), "");
}

TEST(Files, FoldersAreSyncedFromTheInnermostAndOneThatIsNoneIsToldOrPassedOver) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "a/file", "x");
  EXPECT_EQ(ReadFile(folder / "a/file"), "x");
  EXPECT_NO_THROW(SyncFolder(folder / "a"));
  EXPECT_THAT(ErrorText<Error>([&] { SyncFolder(folder / "a/file"); }),
              testing::AllOf(HasSubstr("a/file"), HasSubstr("to the disk")));
  EXPECT_NO_THROW(SyncFoldersAbove(folder / "gone/file", 100));
}

TEST(Files, LeavesNothingButTheFile) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "file", "x");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, AFailedWriteLeavesTheOldState) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken/inside");
  EXPECT_THAT(ErrorText<Error>([&] { WriteFileAtomically(folder / "taken", "x"); }),
              testing::AllOf(HasSubstr((folder / "taken").string()), HasSubstr("rename")));
  EXPECT_TRUE(fs::is_directory(folder / "taken"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(GrowingFile, IsThereWholeOrNotAtAll) {
  const TemporaryFolder folder;
  {
    GrowingFile file(folder / "new/file");
    file.Add("one");
    EXPECT_FALSE(fs::exists(folder / "new/file"));
    file.Add(std::string_view("\0two", 4));
    file.Finish();
  }
  EXPECT_EQ(ReadFile(folder / "new/file"), std::string("one\0two", 7));
  {
    GrowingFile dropped(folder / "new/file");
    dropped.Add("three");
  }
  EXPECT_EQ(ReadFile(folder / "new/file"), std::string("one\0two", 7));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "new"), fs::directory_iterator()), 1);
  EXPECT_THAT(ErrorText<Error>([&] { GrowingFile(folder / "new/file/below"); }),
              HasSubstr("folder"));
}

TEST(FilesTogether, AreThereWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const fs::path place = folder / "new";
  const auto count = [&] {
    return std::distance(fs::directory_iterator(place), fs::directory_iterator());
  };
  {
    FilesTogether dropped(place);
    dropped.Write("one", "1");
    dropped.Write("last", "2");
    EXPECT_FALSE(fs::exists(place / "one"));
  }
  EXPECT_EQ(count(), 0);
  {
    FilesTogether files(place);
    files.Write("one", std::string_view("\0one", 4));
    files.Write("last", "2");
    files.Finish();
  }
  EXPECT_EQ(ReadFile(place / "one"), std::string("\0one", 4));
  EXPECT_EQ(ReadFile(place / "last"), "2");
  EXPECT_EQ(count(), 2);
}

TEST(FilesTogether, TheLastHasNoNameWhereAnotherHasNone) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken/inside");
  EXPECT_THAT(ErrorText<Error>([&] {
                FilesTogether files(folder.path());
                files.Write("one", "1");
                files.Write("taken", "2");
                files.Write("last", "3");
                files.Finish();
              }),
              testing::AllOf(HasSubstr((folder / "taken").string()), HasSubstr("rename")));
  EXPECT_EQ(ReadFile(folder / "one"), "1");
  EXPECT_FALSE(fs::exists(folder / "last"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

TEST(Files, ErrorsNamePathAndReason) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "file", "x");
  EXPECT_THAT(ErrorText<Error>([&] { (void)ReadFile(folder / "gone"); }),
              testing::AllOf(HasSubstr("/gone"), HasSubstr("No such file")));
  EXPECT_THAT(ErrorText<Error>([&] { (void)ReadFile(folder.path()); }), HasSubstr("directory"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)HashFile(folder / "gone"); }),
              HasSubstr("No such file"));
  EXPECT_THAT(ErrorText<Error>([&] { WriteFileAtomically(folder / "file/below", "x"); }),
              HasSubstr("folder"));
}

TEST(Files, HashesAFileAsItsBytes) {
  const TemporaryFolder folder;
  std::string content(3'000'000, 'a');
  content[2'999'999] = 'b';
  WriteFileAtomically(folder / "file", content);
  EXPECT_EQ(HashFile(folder / "file"), HashBytes(content));
  // XXH3-128 of nothing, from the reference implementation (xxhsum -H128 /dev/null).
  EXPECT_EQ(HashBytes(""), "99aa06d3014798d86001c324468d497f");
}

}  // namespace
}  // namespace beamgrid
