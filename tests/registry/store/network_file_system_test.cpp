// Databases on file systems that machines share.
#include "registry/store/network_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace network_file_system_test {

using testing::AllOf;
using testing::HasSubstr;

FileSystemKind Always(long kind) {
  return [kind](const std::filesystem::path&) { return kind; };
}

TEST(NetworkFileSystem, IsToldByItsKind) {
  EXPECT_EQ(NetworkFileSystemOf("/", Always(0x6969)), "NFS");
  EXPECT_EQ(NetworkFileSystemOf("/", Always(0xFE534D42)), "SMB");
  EXPECT_EQ(NetworkFileSystemOf("/", Always(0x0BD00BD0)), "Lustre");
  // ext4, xfs, btrfs, tmpfs, overlayfs, ZFS, FUSE, 9P, and what the system does not say.
  for (const long kind : {0xEF53L, 0x58465342L, 0x9123683EL, 0x01021994L, 0x794C7630L, 0x2FC12FC1L,
                          0x65735546L, 0x01021997L, 0L}) {
    EXPECT_EQ(NetworkFileSystemOf("/", Always(kind)), std::nullopt) << kind;
  }
}

TEST(NetworkFileSystem, OfAFileThatIsToBeIsThatOfItsFolder) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder.path(), folder / "link");
  std::filesystem::path asked;
  const FileSystemKind note = [&asked](const std::filesystem::path& path) {
    asked = path;
    return 0L;
  };
  (void)NetworkFileSystemOf(folder / "link/not/there.db", note);
  EXPECT_EQ(asked, std::filesystem::canonical(folder.path()));
}

TEST(NetworkFileSystem, TheSystemIsAsked) {
  EXPECT_EQ(SystemFileSystemKind("/proc"), 0x9FA0);
  EXPECT_EQ(SystemFileSystemKind("/not/there"), 0);
}

TEST(NetworkFileSystem, NoDatabaseLiesThere) {
  EXPECT_THAT(
      ErrorText<UsageError>([] { RefuseNetworkDatabase("/home/a/study.db", Always(0x6969)); }),
      AllOf(HasSubstr("/home/a/study.db: lies on NFS"), HasSubstr("--db"), HasSubstr("--runs")));
  EXPECT_NO_THROW(RefuseNetworkDatabase("/home/a/study.db", Always(0xEF53)));
}

}  // namespace network_file_system_test
}  // namespace beamgrid
