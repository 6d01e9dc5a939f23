// Copies of files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

TEST(CopyFileDurably, CopiesWholeFilesAndMakesTheFolder) {
  const TemporaryFolder folder;
  const std::string large((3 << 20) + 17, 'x');
  WriteFileAtomically(folder / "from", large);
  EXPECT_EQ(CopyFileDurably(folder / "from", folder / "a/b/to"),
            static_cast<std::int64_t>(large.size()));
  EXPECT_EQ(ReadFile(folder / "a/b/to"), large);
  WriteFileAtomically(folder / "from", "");
  EXPECT_EQ(CopyFileDurably(folder / "from", folder / "a/b/to"), 0);  // in the place of the other
  EXPECT_EQ(ReadFile(folder / "a/b/to"), "");
}

TEST(CopyFileDurably, WhatCannotBeReadOrWrittenIsNamedAndLeavesNothing) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorText<Error>([&] { CopyFileDurably(folder / "gone", folder / "a/to"); }),
              HasSubstr("gone: cannot read"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "a"));
  WriteFileAtomically(folder / "from", "text");
  EXPECT_THAT(ErrorText<Error>([&] { CopyFileDurably(folder / "from", folder / "from/to"); }),
              HasSubstr("cannot create the folder"));
  std::filesystem::create_directories(folder / "taken/x");
  EXPECT_THAT(ErrorText<Error>([&] { CopyFileDurably(folder / "from", folder / "taken"); }),
              HasSubstr("cannot rename"));
}

}  // namespace
}  // namespace beamgrid
