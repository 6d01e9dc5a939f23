#include "orchestrator/workers/processor_use.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;

/// A line as in /proc/PID/stat of a process that has run for so many ticks in all.
std::string StatLine(char state, long long ticks) {
  return "7 (a name) with) S 1) " + std::string(1, state) + " 1 7 7 0 -1 4194560 1 2 3 4 " +
         std::to_string(ticks - 1) + " 1 0 0 20 0 2 0 100 1000 10\n";
}

TEST(ProcessorUse, IsThatOfAllThreads) {
  const TemporaryFolder proc;
  WriteFileAtomically(proc / "7/stat", StatLine('S', 3 * ::sysconf(_SC_CLK_TCK)));
  WriteFileAtomically(proc / "7/task/7/stat", StatLine('S', 2));
  const auto asleep = ProcessorUseOf(7, proc.path());
  ASSERT_TRUE(asleep.has_value());
  EXPECT_EQ(asleep->used, 3s);
  EXPECT_FALSE(asleep->waits_for_more);
  WriteFileAtomically(proc / "7/task/8/stat", StatLine('R', 2));
  EXPECT_TRUE(ProcessorUseOf(7, proc.path())->waits_for_more);
  EXPECT_FALSE(ProcessorUseOf(8, proc.path()).has_value());
  WriteFileAtomically(proc / "7/stat", "7 (x) R 1");
  EXPECT_FALSE(ProcessorUseOf(7, proc.path()).has_value());
}

TEST(ProcessorUse, IsAlsoThatOfChildren) {
  const TemporaryFolder proc;
  const auto ticks = ::sysconf(_SC_CLK_TCK);
  WriteFileAtomically(proc / "7/stat", StatLine('S', 3 * ticks));
  WriteFileAtomically(proc / "7/task/7/stat", StatLine('S', 3 * ticks));
  WriteFileAtomically(proc / "7/task/7/children", "8 9 ");
  WriteFileAtomically(proc / "8/stat", StatLine('S', 4 * ticks));
  WriteFileAtomically(proc / "8/task/8/stat", StatLine('R', 4 * ticks));
  const auto both = ProcessorUseOf(7, proc.path());  // 9 has ended meanwhile
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->used, 7s);
  EXPECT_TRUE(both->waits_for_more);
}

TEST(ProcessorUse, OursIsSeenWhereThereIsProc) {
  const auto ours = ProcessorUseOf(::getpid());
  if (!ours) GTEST_SKIP() << "no /proc here";
  EXPECT_TRUE(ours->waits_for_more) << "we run at this moment";
}

TEST(ProcessorUse, WhoWouldRunAndHardlyDidWasStarved) {
  const ProcessorUse before{.used = 100s};
  EXPECT_TRUE(WasStarved(before, ProcessorUse{101s, true}, 60s));
  EXPECT_FALSE(WasStarved(before, ProcessorUse{104s, true}, 60s)) << "it ran and said nothing";
  EXPECT_FALSE(WasStarved(before, ProcessorUse{100s, false}, 60s)) << "stopped, or asleep";
  EXPECT_FALSE(WasStarved(std::nullopt, ProcessorUse{100s, true}, 60s));
  EXPECT_FALSE(WasStarved(before, std::nullopt, 60s));
}

}  // namespace
}  // namespace beamgrid
