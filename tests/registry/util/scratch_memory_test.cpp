#include "registry/util/scratch_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "registry/util/system_error.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

TEST(ScratchMemory, HoldsWhatIsPutThereAndLeavesNoFile) {
  const TemporaryFolder folder;
  ScratchMemory memory(folder.path());
  std::pmr::vector<int> large(&memory), small(&memory);
  for (int i = 0; i < 1'000'000; ++i) large.push_back(i);
  small.assign(10, 3);
  const std::pmr::vector<int> copy(large, &memory);
  large = {};
  for (int i = 0; i < 1'000'000; ++i) ASSERT_EQ(copy[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(small[9], 3);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ScratchMemory, ReadsAheadFromAnyByteOnAndChangesNone) {
  const TemporaryFolder folder;
  ScratchMemory memory(folder.path());
  std::pmr::vector<char> bytes(3 << 20, 'x', &memory);
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, std::size_t{5000}}) {
    ScratchMemory::ReadAhead(&bytes[begin], 0);
    ScratchMemory::ReadAhead(&bytes[begin], bytes.size() - begin);
  }
  EXPECT_EQ(std::ranges::count(bytes, 'x'), 3 << 20);
}

TEST(ScratchMemory, SaysWhereItCannotBe) {
  const TemporaryFolder folder;
  ScratchMemory nowhere(folder.path() / "nowhere");
  std::pmr::vector<char> bytes(&nowhere);
  try {
    bytes.resize(2 << 20);
    FAIL();
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("nowhere: cannot make a file in it: No such file"));
  }
}

TEST(ScratchMemory, RefusesWhatTheFolderCannotHoldAtOnce) {
  const TemporaryFolder folder;
  ScratchMemory memory(folder.path());
  // More than any disk of these days; nothing of it may be taken before it is refused.
  try {
    (void)memory.allocate(std::size_t{1} << 60);
    FAIL();
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot hold 1152921504606846976 more bytes"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace beamgrid
