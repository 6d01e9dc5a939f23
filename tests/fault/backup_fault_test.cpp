// `beamgrid backup` that is killed or meets a broken disk at any of its calls: what is called a
// backup afterwards is a whole one, and the original is as it was.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <iostream>

#include "tests/fault/faulty_study.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;

constexpr std::int64_t kPoints = 6;  ///< of each fault's calls, evenly spread

class BackupFaultTest : public testing::TestWithParam<Fault> {
 protected:
  Ended BackUp() { return study_.RunWithFaults({"backup", "copy.db", "--files"}); }
  void Remove() const {
    for (const auto& entry : fs::directory_iterator(study_.path())) {
      if (entry.path().filename().string().starts_with("copy.db")) fs::remove_all(entry.path());
    }
  }
  void ExpectWhole() const {
    const Ended files = study_.folder().Run({"verify", "small", "--files", "--db", "copy.db"});
    EXPECT_EQ(files.exit_code, 0) << files.out << files.err;
    const Ended ensemble = study_.folder().Run({"ensemble", "small", "--db", "copy.db"});
    EXPECT_EQ(ensemble.exit_code, 0) << ensemble.err;
  }

  FaultyStudy study_{TwoTrials()};
};

TEST_P(BackupFaultTest, LeavesAWholeBackupOrNone) {
  ASSERT_EQ(study_.Run(FaultyStudy::With::kNoFaults).exit_code, 0);
  study_.faults().Set(kOrchestratorProgram, GetParam(), kEver);
  EXPECT_EQ(BackUp().exit_code, 0);
  ExpectWhole();
  const std::int64_t calls = study_.faults().seen();
  ASSERT_GT(calls, kPoints);
  int none = 0;
  for (std::int64_t point = 0; point < kPoints; ++point) {
    Remove();
    study_.faults().Set(kOrchestratorProgram, GetParam(),
                        (2 * point + 1) * calls / (2 * kPoints) + 1);
    const Ended ended = BackUp();
    SCOPED_TRACE("at " + study_.faults().first_hit() + "\n" + ended.err);
    study_.faults().Mend();
    if (GetParam() == Fault::kKill) {
      EXPECT_EQ(ended.exit_code, -SIGKILL);
    }
    EXPECT_THAT(ended.exit_code, AnyOf(0, 1, -SIGKILL));
    if (fs::exists(study_.path() / "copy.db")) {
      // A file that cannot be read is left out and named; its backup ends with 1.
      if (ended.exit_code != 1) ExpectWhole();
    } else {
      EXPECT_NE(ended.exit_code, 0);
      ++none;
    }
  }
  EXPECT_GT(none, 0) << "no fault came before the end";
  std::cout << kPoints << " of " << calls << " calls\n";
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(0);
}

INSTANTIATE_TEST_SUITE_P(Some, BackupFaultTest,
                         testing::Values(Fault::kKill, Fault::kNoSpace, Fault::kBrokenDisk),
                         [](const auto& info) {
                           return info.param == Fault::kKill      ? "Killed"
                                  : info.param == Fault::kNoSpace ? "DiskFull"
                                                                  : "DiskBroken";
                         });

}  // namespace
}  // namespace beamgrid
