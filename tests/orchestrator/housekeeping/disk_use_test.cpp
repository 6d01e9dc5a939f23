#include "orchestrator/housekeeping/disk_use.h"

#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

TEST(DiskUse, AFileOfTwoNamesCountsOnceAndIsFreedWithItsLastName) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "a/one", "12345");
  std::filesystem::create_hard_link(folder / "a/one", folder / "a/two");
  DiskUse use;
  EXPECT_EQ(use.Add(folder / "a/one"), 5);
  EXPECT_EQ(use.freed(), 0);
  EXPECT_EQ(use.Add(folder / "a/two"), 0);
  EXPECT_EQ(use.bytes(), 5);
  EXPECT_EQ(use.freed(), 5);
  EXPECT_EQ(use.files(), 1);
}

TEST(DiskUse, LinksAreNotFollowedAndWhatIsNotThereIsNothing) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "elsewhere/large", std::string(1000, 'x'));
  WriteFileAtomically(folder / "a/small", "123");
  std::filesystem::create_symlink(folder / "elsewhere", folder / "a/link");
  std::filesystem::create_symlink(folder / "elsewhere/large", folder / "a/file");
  DiskUse use;
  EXPECT_EQ(use.Add(folder / "a"), 3);
  EXPECT_EQ(use.Add(folder / "a/link"), 0);
  EXPECT_EQ(use.Add(folder / "gone"), 0);
  EXPECT_EQ(use.freed(), 3);
}

}  // namespace
}  // namespace beamgrid
