#include "orchestrator/workers/worker_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beamgrid {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::set<std::string> kAvx512{"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"};

TEST(ProcessorFlags, AreTheWordsOfTheFirstFlagsLine) {
  EXPECT_THAT(ProcessorFlags("processor\t: 0\nflags\t\t: fpu avx2 fma\nbugs\t: x\n"
                             "processor\t: 1\nflags\t\t: other\n"),
              UnorderedElementsAre("fpu", "avx2", "fma"));
  EXPECT_THAT(ProcessorFlags("Features : fp asimd\n"), IsEmpty());
  EXPECT_THAT(ProcessorFlags(""), IsEmpty());
}

TEST(OpenBlasCoreType, FollowsTheProcessor) {
  EXPECT_EQ(OpenBlasCoreType(kAvx512), "SkylakeX");
  EXPECT_EQ(OpenBlasCoreType({"avx2", "fma", "avx512f"}), "Haswell");  // Knights Landing
  EXPECT_EQ(OpenBlasCoreType({"avx2", "fma"}), "Haswell");
  EXPECT_EQ(OpenBlasCoreType({"avx"}), std::nullopt);
  EXPECT_EQ(OpenBlasCoreType({}), std::nullopt);
}

TEST(WorkerEnvironment, SetsTheThreadBudgetOnceForAllLibraries) {
  EXPECT_THAT(WorkerEnvironment({"HOME=/root", "OMP_NUM_THREADS=64", "OMP_NUM_THREADS_X=1"}, 2, {}),
              UnorderedElementsAre("HOME=/root", "OMP_NUM_THREADS_X=1", "OMP_NUM_THREADS=2",
                                   "OPENBLAS_NUM_THREADS=2", "MKL_NUM_THREADS=2",
                                   "CUBLAS_WORKSPACE_CONFIG=:4096:8"));
}

TEST(WorkerEnvironment, LeavesTheUsersChoiceOfKernelsAndDevicesAlone) {
  EXPECT_THAT(WorkerEnvironment({}, 1, kAvx512), Contains("OPENBLAS_CORETYPE=SkylakeX"));
  const auto chosen = WorkerEnvironment(
      {"OPENBLAS_CORETYPE=Zen", "CUDA_VISIBLE_DEVICES=3", "CUBLAS_WORKSPACE_CONFIG=:16:8"}, 1,
      kAvx512);
  EXPECT_THAT(chosen, Contains("OPENBLAS_CORETYPE=Zen"));
  EXPECT_THAT(chosen, Not(Contains("OPENBLAS_CORETYPE=SkylakeX")));
  EXPECT_THAT(chosen, Contains("CUDA_VISIBLE_DEVICES=3"));
  EXPECT_THAT(chosen, Not(Contains("CUBLAS_WORKSPACE_CONFIG=:4096:8")));
}

}  // namespace
}  // namespace beamgrid
