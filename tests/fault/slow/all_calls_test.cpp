// Every fault at every call.

#include <gtest/gtest.h>

#include "tests/fault/sweep.h"

namespace beamgrid {
namespace {

class AllCalls : public testing::TestWithParam<SweepCase> {};

TEST_P(AllCalls, EndInTheUndisturbedResult) { Sweep(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    All, AllCalls,
    testing::Values(
        SweepCase{"KilledOrchestrator", kOrchestratorProgram, Fault::kKill, 1, kEver},
        SweepCase{"KilledWithAChangedRecipe", kOrchestratorProgram, Fault::kKill, 1, kEver,
                  TwoTrials, 0, RecipeBefore::kAnother},
        SweepCase{"DiskFullWithAChangedRecipe", kOrchestratorProgram, Fault::kNoSpace, kEver, kEver,
                  TwoTrials, 0, RecipeBefore::kAnother},
        SweepCase{"KilledWorker", kWorkerProgram, Fault::kKill, 1, kEver},
        SweepCase{"KilledOrchestratorOfAHalving", kOrchestratorProgram, Fault::kKill, 1, kEver,
                  TwoTrialsHalved, 2},
        SweepCase{"KilledWorkerOfAHalving", kWorkerProgram, Fault::kKill, 1, kEver, TwoTrialsHalved,
                  2},
        SweepCase{"OrchestratorDiskFull", kOrchestratorProgram, Fault::kNoSpace, kEver, kEver},
        SweepCase{"OrchestratorDiskFullOnce", kOrchestratorProgram, Fault::kNoSpace, 1, kEver},
        SweepCase{"WorkerDiskFull", kWorkerProgram, Fault::kNoSpace, kEver, kEver},
        SweepCase{"WorkerDiskFullOnce", kWorkerProgram, Fault::kNoSpace, 1, kEver},
        SweepCase{"OrchestratorDiskBroken", kOrchestratorProgram, Fault::kBrokenDisk, kEver, kEver},
        SweepCase{"OrchestratorDiskBrokenOnce", kOrchestratorProgram, Fault::kBrokenDisk, 1, kEver},
        SweepCase{"WorkerDiskBroken", kWorkerProgram, Fault::kBrokenDisk, kEver, kEver},
        SweepCase{"WorkerDiskBrokenOnce", kWorkerProgram, Fault::kBrokenDisk, 1, kEver},
        SweepCase{"OrchestratorReadOnly", kOrchestratorProgram, Fault::kReadOnly, kEver, kEver},
        SweepCase{"WorkerReadOnly", kWorkerProgram, Fault::kReadOnly, kEver, kEver},
        SweepCase{"OrchestratorNoAccess", kOrchestratorProgram, Fault::kNoAccess, kEver, kEver},
        SweepCase{"WorkerNoAccess", kWorkerProgram, Fault::kNoAccess, kEver, kEver},
        SweepCase{"OrchestratorNoDescriptors", kOrchestratorProgram, Fault::kNoDescriptors, kEver,
                  kEver},
        SweepCase{"OrchestratorNoDescriptorsOnce", kOrchestratorProgram, Fault::kNoDescriptors, 1,
                  kEver},
        SweepCase{"WorkerNoDescriptors", kWorkerProgram, Fault::kNoDescriptors, kEver, kEver},
        SweepCase{"WorkerNoDescriptorsOnce", kWorkerProgram, Fault::kNoDescriptors, 1, kEver},
        SweepCase{"OrchestratorStaleHandle", kOrchestratorProgram, Fault::kStaleHandle, kEver,
                  kEver},
        SweepCase{"WorkerStaleHandle", kWorkerProgram, Fault::kStaleHandle, kEver, kEver},
        SweepCase{"WorkerNotConnected", kWorkerProgram, Fault::kNotConnected, kEver, kEver},
        SweepCase{"OrchestratorNoQuota", kOrchestratorProgram, Fault::kNoQuota, kEver, kEver},
        SweepCase{"WorkerNoQuota", kWorkerProgram, Fault::kNoQuota, kEver, kEver},
        SweepCase{"WorkerServerGone", kWorkerProgram, Fault::kServerGone, kEver, kEver},
        SweepCase{"OrchestratorLargeFile", kOrchestratorProgram, Fault::kLargeFile, kEver, kEver},
        SweepCase{"WorkerLargeFile", kWorkerProgram, Fault::kLargeFile, kEver, kEver},
        SweepCase{"OrchestratorShortWrites", kOrchestratorProgram, Fault::kShortWrite, kEver, 10},
        SweepCase{"WorkerShortWrites", kWorkerProgram, Fault::kShortWrite, kEver, 10}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace beamgrid
