// The longest time of a job: by what sinfo of Slurm 22.05.8 prints.
#include "orchestrator/slurm/partition_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/slurm/job_script.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace partition_limit_test {

using namespace std::chrono_literals;

constexpr char kOutput[] =
    "main*\x1f"
    "1-00:00:00\n"
    "short\x1f"
    "30:00\n"
    "long\x1f"
    "7-12:30:15\n"
    "endless\x1f"
    "infinite\n";

std::optional<std::chrono::milliseconds> Most(SlurmSettings settings,
                                              const std::string& output = kOutput) {
  const auto limit = LimitIn(output, settings);
  return limit ? std::optional(limit->most) : std::nullopt;
}

TEST(PartitionLimit, IsThatOfThePartitionThatIsNamedOrOfTheDefaultOne) {
  EXPECT_EQ(Most({}), 24h);
  EXPECT_EQ(LimitIn(kOutput, {})->partition, "main");
  EXPECT_EQ(Most({.partition = "main"}), 24h);
  EXPECT_EQ(Most({.partition = "short"}), 30min);
  EXPECT_EQ(Most({.partition = "long"}), 7 * 24h + 12h + 30min + 15s);
  EXPECT_EQ(Most({.partition = "short,long"}), 7 * 24h + 12h + 30min + 15s);
}

TEST(PartitionLimit, IsNoneWhereThereIsNoneOrItCannotBeTold) {
  EXPECT_EQ(Most({.partition = "endless"}), std::nullopt);
  EXPECT_EQ(Most({.partition = "short,endless"}), std::nullopt);
  EXPECT_EQ(Most({.partition = "other"}), std::nullopt);
  EXPECT_EQ(Most({.partition = "short", .arguments = {"--partition=long"}}), std::nullopt);
  EXPECT_EQ(Most({.partition = "short", .arguments = {"-plong"}}), std::nullopt);
  EXPECT_EQ(Most({}, ""), std::nullopt);
  EXPECT_EQ(Most({}, "main*\x1fn/a\n"), std::nullopt);
  EXPECT_EQ(Most({}, "slurm_load_partitions: Unable to contact slurm controller\n"), std::nullopt);
}

TEST(PartitionLimit, TimesAreReadAsSlurmWritesThem) {
  EXPECT_EQ(SlurmTime("3:04"), 3min + 4s);
  EXPECT_EQ(SlurmTime("2:03:04"), 2h + 3min + 4s);
  EXPECT_EQ(SlurmTime("1-02:03:04"), 26h + 3min + 4s);
  for (const char* text :
       {"", "infinite", "UNLIMITED", "n/a", "-1:00", "1-", "1-2:3", "a:00", "1:2:3:4", "30"}) {
    EXPECT_EQ(SlurmTime(text), std::nullopt) << text;
  }
}

TEST(PartitionLimit, IsAskedOfSinfoOnce) {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& script) {
    WriteFileAtomically(folder / "sinfo",
                        "#!/bin/sh\necho \"$@\" >> " + (folder / "asked").string() + "\n" + script);
    std::filesystem::permissions(folder / "sinfo", std::filesystem::perms::owner_all);
  };
  put("printf 'main*\\0372:00:00\\n'\n");
  EXPECT_EQ(FindPartitionLimit({.folder = folder.path()}, {})->most, 2h);
  EXPECT_EQ(ReadFile(folder / "asked"), "--all --noheader --format=%P\x1f%l\n");
  put("echo slurm_load_partitions: error >&2; exit 1\n");
  EXPECT_FALSE(FindPartitionLimit({.folder = folder.path()}, {}).has_value());
  std::filesystem::remove(folder / "sinfo");
  EXPECT_FALSE(FindPartitionLimit({.folder = folder.path()}, {}).has_value());
}

TEST(TimeOfJob, IsNoLongerThanThePartitionAllows) {
  const Placement placement{.device = "cpu", .seconds = 3600};
  EXPECT_EQ(TimeOfJob({}, placement), 3h);
  EXPECT_EQ(TimeOfJob({}, placement, 2h), 2h);
  EXPECT_EQ(TimeOfJob({}, placement, 90min + 40s), 90min) << "sbatch is told whole minutes";
  EXPECT_EQ(TimeOfJob({}, placement, 24h), 3h);
  EXPECT_EQ(TimeOfJob({}, {.device = "cpu", .seconds = 1}, 10min), 10min);
  EXPECT_EQ(TimeOfJob({}, {.device = "cpu"}, 10min), 0ms) << "the partition's own";
  // What the recipe says is the user's, and Slurm's to refuse.
  EXPECT_EQ(TimeOfJob({.time_seconds = 7200}, placement, 30min), 2h);
}

}  // namespace partition_limit_test
}  // namespace beamgrid
