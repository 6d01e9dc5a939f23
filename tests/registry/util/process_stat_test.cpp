#include "registry/util/process_stat.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

TEST(ProcessStat, IsReadBehindANameThatHoldsAnything) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "stat",
                      "7 (a) Z 1\n) T 3 7 7 0 -1 4194560 1 2 3 4 50 6 0 0 20 0 2 0 100 1000 10\n");
  const auto stat = ReadProcessStat(folder / "stat");
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->state, 'T');
  EXPECT_EQ(stat->parent, 3);
  EXPECT_EQ(stat->user_ticks, 50);
  EXPECT_EQ(stat->system_ticks, 6);
}

TEST(ProcessStat, IsNothingWhereTheFileSaysNone) {
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadProcessStat(folder / "none").has_value());
  WriteFileAtomically(folder / "empty", "");
  EXPECT_FALSE(ReadProcessStat(folder / "empty").has_value());
  WriteFileAtomically(folder / "short", "7 (a) R 1");
  EXPECT_FALSE(ReadProcessStat(folder / "short").has_value());
  WriteFileAtomically(folder / "other", "no bracket");
  EXPECT_FALSE(ReadProcessStat(folder / "other").has_value());
}

TEST(ProcessStat, IsNothingWhereReadingFailsOnceTheFileIsOpen) {
  // As of a process that ends between the two: a folder can be opened and not be read.
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadProcessStat(folder.path()).has_value());
}

TEST(ProcessStat, TellsAChildThatHasEndedAndIsNotReaped) {
  if (!ReadProcessStat("/proc/self/stat")) GTEST_SKIP() << "no /proc here";
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const std::string file = "/proc/" + std::to_string(child) + "/stat";
  const auto ended = ReadProcessStat(file);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->state, 'Z');
  EXPECT_EQ(ended->parent, ::getpid());
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(ReadProcessStat(file).has_value());
}

}  // namespace
}  // namespace beamgrid
