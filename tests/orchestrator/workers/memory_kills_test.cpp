#include "orchestrator/workers/memory_kills.h"

#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

class MemoryKillsTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) const {
    WriteFileAtomically(folder_ / path, text);
  }
  MemoryKills Kills() const { return MemoryKills(folder_ / "proc", folder_ / "cgroup"); }

  TemporaryFolder folder_;
};

TEST_F(MemoryKillsTest, ReadsTheEventsOfItsOwnGroup) {
  Write("proc/self/cgroup", "0::/user.slice/session.scope\n");
  Write("cgroup/user.slice/session.scope/memory.events", "low 0\noom 3\noom_kill 2\n");
  Write("cgroup/memory.events", "oom_kill 50\n");
  EXPECT_EQ(Kills().Count(), 2);
}

TEST_F(MemoryKillsTest, ReadsTheTopOfAContainer) {
  Write("proc/self/cgroup", "0::/a/path/of/the/host\n");
  Write("cgroup/memory.events", "oom_kill 5\noom_group_kill 9\n");
  EXPECT_EQ(Kills().Count(), 5);
}

TEST_F(MemoryKillsTest, ReadsTheFirstVersionToo) {
  Write("proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/worker\n0::/\n");
  Write("cgroup/cpu,memory/worker/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
  EXPECT_EQ(Kills().Count(), 7);
}

TEST_F(MemoryKillsTest, WithoutAGroupTheMachineCounts) {
  Write("proc/self/cgroup", "0::/\n");
  Write("proc/vmstat", "nr_free_pages 1\noom_kill 3\n");
  EXPECT_EQ(Kills().Count(), 3);
}

TEST_F(MemoryKillsTest, WithoutAnythingItClaimsNothing) {
  MemoryKills kills = Kills();
  EXPECT_TRUE(kills.file().empty());
  EXPECT_EQ(kills.Count(), 0);
  EXPECT_FALSE(kills.Claim(0));
}

TEST_F(MemoryKillsTest, AKillStandsForOneProcess) {
  Write("proc/vmstat", "oom_kill 3\n");
  MemoryKills kills = Kills();
  EXPECT_FALSE(kills.Claim(3));  // those were before
  Write("proc/vmstat", "oom_kill 4\n");
  EXPECT_TRUE(kills.Claim(3));
  EXPECT_FALSE(kills.Claim(3));
  EXPECT_FALSE(kills.Claim(4));
  Write("proc/vmstat", "oom_kill 6\n");
  EXPECT_TRUE(kills.Claim(3));
  EXPECT_TRUE(kills.Claim(3));
  EXPECT_FALSE(kills.Claim(3));
}

TEST_F(MemoryKillsTest, ThisMachineHasACount) {
  const MemoryKills kills;
  if (kills.file().empty()) GTEST_SKIP() << "this kernel counts no such kills";
  EXPECT_GE(kills.Count(), 0);
}

}  // namespace
}  // namespace beamgrid
