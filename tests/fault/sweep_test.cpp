// A few points of each sweep; tests/fault/slow has all of them.

#include "tests/fault/sweep.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

class SweepTest : public testing::TestWithParam<SweepCase> {};

TEST_P(SweepTest, EndsInTheUndisturbedResult) { Sweep(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Some, SweepTest,
    testing::Values(
        SweepCase{"KilledOrchestrator", kOrchestratorProgram, Fault::kKill, 1, 4},
        SweepCase{"KilledWithAChangedRecipe", kOrchestratorProgram, Fault::kKill, 1, 4, TwoTrials,
                  0, RecipeBefore::kAnother},
        SweepCase{"KilledWorker", kWorkerProgram, Fault::kKill, 1, 4},
        SweepCase{"KilledOrchestratorOfAHalving", kOrchestratorProgram, Fault::kKill, 1, 4,
                  TwoTrialsHalved, 2},
        SweepCase{"KilledWorkerOfAHalving", kWorkerProgram, Fault::kKill, 1, 4, TwoTrialsHalved, 2},
        SweepCase{"OrchestratorDiskFull", kOrchestratorProgram, Fault::kNoSpace, kEver, 2},
        SweepCase{"WorkerDiskFull", kWorkerProgram, Fault::kNoSpace, kEver, 2},
        SweepCase{"OrchestratorDiskBroken", kOrchestratorProgram, Fault::kBrokenDisk, kEver, 2},
        SweepCase{"WorkerDiskBroken", kWorkerProgram, Fault::kBrokenDisk, kEver, 2},
        SweepCase{"OrchestratorReadOnly", kOrchestratorProgram, Fault::kReadOnly, kEver, 1},
        SweepCase{"WorkerReadOnly", kWorkerProgram, Fault::kReadOnly, kEver, 1},
        SweepCase{"OrchestratorNoAccess", kOrchestratorProgram, Fault::kNoAccess, kEver, 1},
        SweepCase{"WorkerNoAccess", kWorkerProgram, Fault::kNoAccess, kEver, 1},
        SweepCase{"OrchestratorNoDescriptors", kOrchestratorProgram, Fault::kNoDescriptors, kEver,
                  3},
        SweepCase{"WorkerNoDescriptors", kWorkerProgram, Fault::kNoDescriptors, kEver, 2},
        SweepCase{"OrchestratorStaleHandle", kOrchestratorProgram, Fault::kStaleHandle, kEver, 2},
        SweepCase{"WorkerStaleHandle", kWorkerProgram, Fault::kStaleHandle, kEver, 2},
        SweepCase{"WorkerNotConnected", kWorkerProgram, Fault::kNotConnected, kEver, 1},
        SweepCase{"WorkerNoQuota", kWorkerProgram, Fault::kNoQuota, kEver, 1},
        SweepCase{"WorkerServerGone", kWorkerProgram, Fault::kServerGone, kEver, 1},
        SweepCase{"WorkerLargeFile", kWorkerProgram, Fault::kLargeFile, kEver, 1},
        SweepCase{"OrchestratorShortWrites", kOrchestratorProgram, Fault::kShortWrite, kEver, 1},
        SweepCase{"WorkerShortWrites", kWorkerProgram, Fault::kShortWrite, kEver, 1}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace beamgrid
